/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel memory that a driver uses and exports: ddi_umem_alloc(9F). */
#ifndef _XXSHM_UMEM_DDI_H
#define _XXSHM_UMEM_DDI_H

#include <xxshm/types.h>

/* Flags of ddi_umem_alloc(). */
#define DDI_UMEM_SLEEP		0x0
#define DDI_UMEM_NOSLEEP	0x1
#define DDI_UMEM_PAGEABLE	0x2
#define DDI_UMEM_TRASH		0x4

struct ddi_umem_cookie;

/** typedef ddi_umem_cookie_t - opaque: memory as the calls here know it */
typedef struct ddi_umem_cookie *ddi_umem_cookie_t;

void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep);
void ddi_umem_free(ddi_umem_cookie_t cookie);

#endif /* _XXSHM_UMEM_DDI_H */
