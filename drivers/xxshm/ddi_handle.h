/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_HANDLE_H
#define _XXSHM_DDI_HANDLE_H

#include <linux/list.h>
#include <linux/types.h>

#include <xxshm/devmap.h>

struct devmap_space;
struct xxshm_region;

/**
 * struct devmap_handle - a piece of a mapping in one process, over one region
 * @entry: in devmap_space.handles; in no order: fork copies the handles by VMA, and
 *	mremap may have changed the order of these
 * @space: what it is part of; constant
 * @region: what is mapped, with a reference, or NULL before devmap_umem_setup()
 * @koff: the page of @region that is its first
 * @first: its first page in the mapping
 * @npages: its size
 * @is_trash: all its pages are the first one of @region
 * @is_invalid: touching it is SIGSEGV
 * @is_known: the driver has been told of it, and is to be told of its end
 * @is_refused: the driver did not want it in a forked process: it stays invalid
 * @flags: from devmap_umem_setup()
 * @prot: what the process has asked for, by mmap(2) or mprotect(2)
 * @maxprot: what it may have, at most
 * @ceiling: what the driver may make @maxprot; constant
 * @ops: what the driver wants to be told
 * @pvtp: the driver's own
 */
struct devmap_handle {
	struct list_head entry;
	struct devmap_space *space;
	struct xxshm_region *region;
	pgoff_t koff;
	pgoff_t first;
	pgoff_t npages;
	bool is_trash;
	bool is_invalid;
	bool is_known;
	bool is_refused;
	uint_t flags;
	uint_t prot;
	uint_t maxprot;
	uint_t ceiling;
	struct devmap_callback_ctl ops;
	void *pvtp;
};

static inline pgoff_t xxshm_handle_end(const struct devmap_handle *handle)
{
	return handle->first + handle->npages;
}

/* Do pages from @first to @end of the mapping belong to a handle? */
static inline bool xxshm_handle_overlaps(const struct devmap_handle *handle,
					 pgoff_t first, pgoff_t end)
{
	return handle->first < end && first < xxshm_handle_end(handle);
}

int xxshm_handle_map(struct devmap_handle *handle);
void xxshm_handle_dup(struct devmap_handle *handle, struct devmap_space *child);
void xxshm_handle_free(struct devmap_handle *handle);
void xxshm_handle_unmap(struct devmap_handle *handle, pgoff_t first, pgoff_t end);

#endif /* _XXSHM_DDI_HANDLE_H */
