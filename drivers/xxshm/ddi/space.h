/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_SPACE_H
#define _XXSHM_DDI_SPACE_H

#include <linux/types.h>

#include "mapping.h"

struct mm_struct;
struct vm_area_struct;

void ddi_space_init(struct ddi_space *space, struct ddi_segment *seg,
		    const struct mm_struct *mm);
struct ddi_handle *ddi_space_add_handle(struct ddi_space *space, pgoff_t first);
int ddi_space_alloc_loaded(struct ddi_space *space);
int ddi_space_map(struct ddi_space *space);
void ddi_space_free(struct ddi_space *space);

struct ddi_space *ddi_space_find(struct ddi_segment *seg, const struct mm_struct *mm);
struct ddi_space *ddi_space_find_locked(struct ddi_segment *seg,
					const struct mm_struct *mm);
struct ddi_handle *ddi_space_handle_locked(struct ddi_space *space, pgoff_t page);

struct ddi_space *ddi_space_fork(struct ddi_space *parent, const struct mm_struct *mm);
void ddi_space_dup(struct ddi_space *parent, struct ddi_space *child, pgoff_t first,
		   pgoff_t end);
bool ddi_space_may_split_locked(struct ddi_space *space,
				struct vm_area_struct *vma);
void ddi_space_open_vma(struct ddi_space *space, struct vm_area_struct *vma);
void ddi_space_close_vma(struct ddi_space *space, struct vm_area_struct *vma);
int ddi_space_protect_locked(struct ddi_space *space, pgoff_t first, pgoff_t end,
			     uint_t prot);

#endif /* _XXSHM_DDI_SPACE_H */
