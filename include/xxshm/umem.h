/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel memory that a driver uses and exports, ddi_umem_alloc(9F), and memory of programs
 * that a driver uses, ddi_umem_lock(9F).
 */
#ifndef _XXSHM_UMEM_DDI_H
#define _XXSHM_UMEM_DDI_H

#include <xxshm/types.h>

/* Flags of ddi_umem_alloc(). */
#define DDI_UMEM_SLEEP		0x0
#define DDI_UMEM_NOSLEEP	0x1
#define DDI_UMEM_PAGEABLE	0x2
#define DDI_UMEM_TRASH		0x4

/* Flags of ddi_umem_lock() and umem_lockmemory(). */
#define DDI_UMEMLOCK_READ	0x1
#define DDI_UMEMLOCK_WRITE	0x2
#define DDI_UMEMLOCK_LONGTERM	0x4

struct ddi_umem_cookie;
struct page;

/** typedef ddi_umem_cookie_t - opaque: names memory in these calls */
typedef struct ddi_umem_cookie *ddi_umem_cookie_t;

/* Version of struct umem_callback_ops. */
#define UMEM_CALLBACK_VERSION	1

/**
 * struct umem_callback_ops - the cleanup function for umem_lockmemory()
 * @cbo_umem_callback_version: UMEM_CALLBACK_VERSION
 * @cbo_umem_lock_cleanup: called when the process does not have the memory any more. Its
 *	argument is the cookie itself, not a pointer to it: cast it, as on Solaris
 */
struct umem_callback_ops {
	int cbo_umem_callback_version;
	void (*cbo_umem_lock_cleanup)(ddi_umem_cookie_t *cookiep);
};

void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep);
void ddi_umem_free(ddi_umem_cookie_t cookie);

int ddi_umem_lock(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep);
int umem_lockmemory(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep,
		    struct umem_callback_ops *ops, proc_t *procp);
void ddi_umem_unlock(ddi_umem_cookie_t cookie);
struct page **ddi_umem_pages(ddi_umem_cookie_t cookie);

#endif /* _XXSHM_UMEM_DDI_H */
