/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver's structures, one for each minor: ddi_soft_state(9F). */
#ifndef _XXSHM_SOFTSTATE_H
#define _XXSHM_SOFTSTATE_H

#include <xxshm/types.h>

int ddi_soft_state_init(void **statep, size_t size, size_t n_items);
int ddi_soft_state_zalloc(void *state, int item);
void *ddi_get_soft_state(void *state, int item);
void ddi_soft_state_free(void *state, int item);
void ddi_soft_state_fini(void **statep);

#endif /* _XXSHM_SOFTSTATE_H */
