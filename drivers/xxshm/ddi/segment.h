/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_SEGMENT_H
#define _XXSHM_DDI_SEGMENT_H

#include <linux/types.h>

#include "mapping.h"

struct vm_area_struct;

void ddi_segment_init(struct ddi_segment *seg, dev_t dev, offset_t off, pgoff_t npages);
struct ddi_handle *ddi_segment_add_handle(struct ddi_segment *seg, pgoff_t first);
int ddi_segment_ready(struct ddi_segment *seg);
void ddi_segment_commit(struct ddi_segment *seg, struct vm_area_struct *vma);

#endif /* _XXSHM_DDI_SEGMENT_H */
