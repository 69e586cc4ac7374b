/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_MAP_H
#define _XXSHM_MAP_H

#include <linux/types.h>

struct file;
struct vm_area_struct;
struct xxshm_umem;

int xxshm_map_check(struct vm_area_struct *vma, pgoff_t npages);
void xxshm_map_commit(struct vm_area_struct *vma, struct xxshm_umem *umem,
		      pgoff_t first);
unsigned long xxshm_map_place(struct file *file, unsigned long addr,
			      unsigned long len, pgoff_t index,
			      unsigned long flags);

#endif /* _XXSHM_MAP_H */
