/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_DEVMAP_H
#define _XXSHM_DDI_DEVMAP_H

#include <linux/types.h>

struct ddi_driver;
struct vm_area_struct;
struct xxshm_map_list;

int xxshm_devmap_mmap(const struct ddi_driver *driver, dev_t dev,
		      struct xxshm_map_list *maps, struct vm_area_struct *vma);

#endif /* _XXSHM_DDI_DEVMAP_H */
