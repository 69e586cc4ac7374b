/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_FAULT_H
#define _XXSHM_FAULT_H

#include <linux/mm.h>

void xxshm_fault_ahead(struct vm_area_struct *vma);
vm_fault_t xxshm_fault_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last);
vm_fault_t xxshm_fault(struct vm_fault *vmf);
vm_fault_t xxshm_fault_wait(struct vm_fault *vmf, struct page *page);
vm_fault_t xxshm_fault_huge(struct vm_fault *vmf, unsigned int order);

#endif /* _XXSHM_FAULT_H */
