/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_FAULT_H
#define _XXSHM_DDI_FAULT_H

#include <linux/mm_types.h>

struct vm_fault;
struct xxshm_map;

vm_fault_t ddi_fault(struct xxshm_map *map, struct vm_fault *vmf);

#endif /* _XXSHM_DDI_FAULT_H */
