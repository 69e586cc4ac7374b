/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_PAGEABLE_H
#define _XXSHM_PAGEABLE_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/types.h>

/* Only an overflow bound: untouched pages cost nothing. */
#define XXSHM_PAGEABLE_MAX_PAGES	((pgoff_t)(MAX_LFS_FILESIZE >> PAGE_SHIFT) / 2)

struct file *xxshm_pageable_alloc(pgoff_t npages, const char *name);
u64 xxshm_pageable_bytes(const struct file *store);

struct file *xxshm_pageable_open(struct file *store, const struct file *opened,
				 const struct file_operations *fops);
int xxshm_pageable_map(struct file *store, struct file *door,
		       struct vm_area_struct *vma, pgoff_t index);

#endif /* _XXSHM_PAGEABLE_H */
