/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_SETUP_H
#define _XXSHM_DDI_SETUP_H

#include <linux/types.h>

struct ddi_driver;
struct vm_area_struct;
struct xxshm_map_list;
struct xxshm_prep_call;

int ddi_setup_make(const struct ddi_driver *driver, dev_t dev,
		   struct xxshm_map_list *maps, const struct xxshm_prep_call *call,
		      void **made);
void ddi_setup_drop(void *made);
void ddi_setup_commit(void *made, struct vm_area_struct *vma);

#endif /* _XXSHM_DDI_SETUP_H */
