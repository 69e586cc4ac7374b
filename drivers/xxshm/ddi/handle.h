/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_HANDLE_H
#define _XXSHM_DDI_HANDLE_H

#include <linux/types.h>

#include "mapping.h"

static inline pgoff_t ddi_handle_end(const struct ddi_handle *handle)
{
	return handle->first + handle->npages;
}

/* Do pages from @first to @end of the mapping belong to a handle? */
static inline bool ddi_handle_overlaps(const struct ddi_handle *handle,
				       pgoff_t first, pgoff_t end)
{
	return handle->first < end && first < ddi_handle_end(handle);
}

/* The page of its region that a page of the mapping is. */
static inline pgoff_t ddi_handle_page(const struct ddi_handle *handle, pgoff_t page)
{
	return handle->is_trash ? 0 : handle->koff + page - handle->first;
}

int ddi_handle_map(struct ddi_handle *handle);
void ddi_handle_dup(struct ddi_handle *handle, struct ddi_space *child);
void ddi_handle_free(struct ddi_handle *handle);
void ddi_handle_unmap(struct ddi_handle *handle, pgoff_t first, pgoff_t end);

#endif /* _XXSHM_DDI_HANDLE_H */
