// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: the pieces of a driver's mapping in one process, over one region each. The
 * driver is told when a handle begins, is copied, and ends: devmap_map(9E),
 * devmap_dup(9E), devmap_unmap(9E).
 *
 * The list of a process' handles changes with its VMAs, so under its mmap_lock. It also
 * changes under the segment's lock, because page faults read it. The driver is called
 * without the segment's lock, because the driver calls back.
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "../region.h"
#include "handle.h"

/**
 * ddi_handle_map() - tell the driver of a new handle
 * @handle: the handle
 *
 * Context: Process context, may sleep; no lock of the segment is held.
 * Return: 0; -ENXIO if the driver refuses it.
 */
int ddi_handle_map(struct ddi_handle *handle)
{
	struct ddi_segment *seg = handle->space->seg;

	if (handle->ops.devmap_map &&
	    handle->ops.devmap_map(handle, seg->dev, MAP_SHARED,
				   ddi_segment_offset(seg, handle->first),
				   handle->npages << PAGE_SHIFT, &handle->pvtp))
		return -ENXIO;
	handle->is_known = true;
	return 0;
}

static void handle_tell(struct ddi_handle *handle, pgoff_t first, pgoff_t npages,
			struct ddi_handle *before, void **before_pvtp,
			struct ddi_handle *after, void **after_pvtp)
{
	if (handle->is_known && handle->ops.devmap_unmap)
		handle->ops.devmap_unmap(handle, handle->pvtp,
					 ddi_segment_offset(handle->space->seg, first),
					 npages << PAGE_SHIFT, before, before_pvtp,
					 after, after_pvtp);
}

/**
 * ddi_handle_free() - end a handle that is unmapped as a whole, or was never mapped
 * @handle: the handle
 *
 * Context: As ddi_handle_unmap().
 */
void ddi_handle_free(struct ddi_handle *handle)
{
	struct ddi_segment *seg = handle->space->seg;

	handle_tell(handle, handle->first, handle->npages, NULL, NULL, NULL, NULL);
	mutex_lock(&seg->lock);
	list_del(&handle->entry);
	mutex_unlock(&seg->lock);
	if (handle->region)
		xxshm_region_put(handle->region);
	if (handle != &seg->first_handle)
		kfree(handle);
}

/* Make it begin at @first. */
static void handle_cut_head(struct ddi_handle *handle, pgoff_t first)
{
	lockdep_assert_held(&handle->space->seg->lock);
	handle->koff += first - handle->first;
	handle->npages -= first - handle->first;
	handle->first = first;
}

static void handle_set_pvtp(struct ddi_handle *handle, void *pvtp)
{
	struct ddi_segment *seg = handle->space->seg;

	mutex_lock(&seg->lock);
	handle->pvtp = pvtp;
	mutex_unlock(&seg->lock);
}

static void handle_unmap_head(struct ddi_handle *handle, pgoff_t end)
{
	struct ddi_segment *seg = handle->space->seg;
	pgoff_t first = handle->first;
	void *pvtp = handle->pvtp;

	mutex_lock(&seg->lock);
	handle_cut_head(handle, end);
	mutex_unlock(&seg->lock);
	handle_tell(handle, first, end - first, NULL, NULL, handle, &pvtp);
	handle_set_pvtp(handle, pvtp);
}

static void handle_unmap_tail(struct ddi_handle *handle, pgoff_t first)
{
	struct ddi_segment *seg = handle->space->seg;
	pgoff_t end = ddi_handle_end(handle);
	void *pvtp = handle->pvtp;

	mutex_lock(&seg->lock);
	handle->npages = first - handle->first;
	mutex_unlock(&seg->lock);
	handle_tell(handle, first, end - first, handle, &pvtp, NULL, NULL);
	handle_set_pvtp(handle, pvtp);
}

/* munmap and fork cannot fail any more when they get here. */
static struct ddi_handle *handle_alloc_copy(void)
{
	return kmalloc(sizeof(struct ddi_handle), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
}

static void handle_copy(struct ddi_handle *copy, const struct ddi_handle *handle,
			struct ddi_space *space)
{
	lockdep_assert_held(&space->seg->lock);
	*copy = *handle;
	copy->space = space;
	xxshm_region_get(copy->region);
}

static void handle_unmap_middle(struct ddi_handle *handle, pgoff_t first,
				pgoff_t end)
{
	struct ddi_handle *after = handle_alloc_copy();
	struct ddi_segment *seg = handle->space->seg;
	void *pvtp = handle->pvtp, *after_pvtp = pvtp;

	mutex_lock(&seg->lock);
	handle_copy(after, handle, handle->space);
	handle_cut_head(after, end);
	handle->npages = first - handle->first;
	list_add(&after->entry, &handle->entry);
	mutex_unlock(&seg->lock);
	handle_tell(handle, first, end - first, handle, &pvtp, after, &after_pvtp);
	handle_set_pvtp(handle, pvtp);
	handle_set_pvtp(after, after_pvtp);
}

/**
 * ddi_handle_unmap() - take unmapped pages of the mapping from a handle
 * @handle: the handle; it ends if none of its pages is left
 * @first: the first unmapped page, in the mapping
 * @end: the page after the last unmapped one
 *
 * Context: Process context, may sleep; the process cannot change its VMAs, and no
 * lock of the segment is held.
 */
void ddi_handle_unmap(struct ddi_handle *handle, pgoff_t first, pgoff_t end)
{
	bool keeps_head = handle->first < first;
	bool keeps_tail = end < ddi_handle_end(handle);

	if (!ddi_handle_overlaps(handle, first, end))
		return;
	if (keeps_head && keeps_tail)
		handle_unmap_middle(handle, first, end);
	else if (keeps_head)
		handle_unmap_tail(handle, first);
	else if (keeps_tail)
		handle_unmap_head(handle, end);
	else
		ddi_handle_free(handle);
}

/**
 * ddi_handle_dup() - copy a handle for a forked process
 * @handle: the handle
 * @child: the child
 *
 * fork cannot be refused here. If the driver refuses the child, or if there was no memory
 * to remember the child's loaded pages, the child gets SIGSEGV when it touches the pages.
 *
 * Context: In vm_operations_struct.open(), no lock of the segment is held.
 */
void ddi_handle_dup(struct ddi_handle *handle, struct ddi_space *child)
{
	struct ddi_handle *copy = handle_alloc_copy();
	struct ddi_segment *seg = child->seg;
	bool is_refused;

	mutex_lock(&seg->lock);
	handle_copy(copy, handle, child);
	is_refused = handle->is_refused || (handle->ops.devmap_access && !child->loaded);
	copy->is_refused = is_refused;
	list_add_tail(&copy->entry, &child->handles);
	mutex_unlock(&seg->lock);
	if (!is_refused && handle->is_known && handle->ops.devmap_dup)
		is_refused = handle->ops.devmap_dup(handle, handle->pvtp, copy,
						    &copy->pvtp);
	if (!is_refused)
		return;
	mutex_lock(&seg->lock);
	copy->is_refused = true;
	copy->is_known = false;
	mutex_unlock(&seg->lock);
}
