/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_PREP_H
#define _XXSHM_PREP_H

#include <linux/types.h>

#include "prep_list.h"

struct file;
struct vm_area_struct;

unsigned long xxshm_prep_place(struct xxshm_prep_list *list, struct file *file,
			       unsigned long addr, unsigned long len, pgoff_t pgoff,
			       unsigned long flags);
int xxshm_prep_mmap(struct xxshm_prep_list *list, struct vm_area_struct *vma,
		    const struct xxshm_prep_ops *ops, void **made);

#endif /* _XXSHM_PREP_H */
