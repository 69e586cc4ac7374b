// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: the pieces of a driver's mapping in one process, over one region each,
 * and what the driver is told when they come, are copied, and go: devmap_map(9E),
 * devmap_dup(9E), devmap_unmap(9E).
 *
 * The list of a process' handles changes with its VMAs, so under its mmap_lock,
 * and under the segment's lock, for page faults look at it. The driver is called
 * without the segment's lock, because it calls back.
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "ddi_handle.h"
#include "ddi_seg.h"
#include "region.h"

/**
 * xxshm_handle_map() - tell the driver of a new handle
 * @handle: the handle
 *
 * Context: Process context, may sleep; no lock of the segment is held.
 * Return: 0; -ENXIO if the driver refuses it.
 */
int xxshm_handle_map(struct devmap_handle *handle)
{
	struct devmap_seg *seg = handle->space->seg;

	if (handle->ops.devmap_map &&
	    handle->ops.devmap_map(handle, seg->dev, MAP_SHARED,
				   xxshm_seg_offset(seg, handle->first),
				   handle->npages << PAGE_SHIFT, &handle->pvtp))
		return -ENXIO;
	handle->is_known = true;
	return 0;
}

static void handle_tell(struct devmap_handle *handle, pgoff_t first, pgoff_t npages,
			struct devmap_handle *before, void **before_pvtp,
			struct devmap_handle *after, void **after_pvtp)
{
	if (handle->is_known && handle->ops.devmap_unmap)
		handle->ops.devmap_unmap(handle, handle->pvtp,
					 xxshm_seg_offset(handle->space->seg, first),
					 npages << PAGE_SHIFT, before, before_pvtp,
					 after, after_pvtp);
}

/**
 * xxshm_handle_free() - the whole of a handle is unmapped, or it was never mapped
 * @handle: the handle
 *
 * Context: As xxshm_handle_unmap().
 */
void xxshm_handle_free(struct devmap_handle *handle)
{
	struct devmap_seg *seg = handle->space->seg;

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
static void handle_cut_head(struct devmap_handle *handle, pgoff_t first)
{
	handle->koff += first - handle->first;
	handle->npages -= first - handle->first;
	handle->first = first;
}

static void handle_set_pvtp(struct devmap_handle *handle, void *pvtp)
{
	struct devmap_seg *seg = handle->space->seg;

	mutex_lock(&seg->lock);
	handle->pvtp = pvtp;
	mutex_unlock(&seg->lock);
}

static void handle_unmap_head(struct devmap_handle *handle, pgoff_t end)
{
	struct devmap_seg *seg = handle->space->seg;
	pgoff_t first = handle->first;
	void *pvtp = handle->pvtp;

	mutex_lock(&seg->lock);
	handle_cut_head(handle, end);
	mutex_unlock(&seg->lock);
	handle_tell(handle, first, end - first, NULL, NULL, handle, &pvtp);
	handle_set_pvtp(handle, pvtp);
}

static void handle_unmap_tail(struct devmap_handle *handle, pgoff_t first)
{
	struct devmap_seg *seg = handle->space->seg;
	pgoff_t end = xxshm_handle_end(handle);
	void *pvtp = handle->pvtp;

	mutex_lock(&seg->lock);
	handle->npages = first - handle->first;
	mutex_unlock(&seg->lock);
	handle_tell(handle, first, end - first, handle, &pvtp, NULL, NULL);
	handle_set_pvtp(handle, pvtp);
}

/* munmap and fork have no way to fail when they get here. */
static struct devmap_handle *handle_alloc_copy(void)
{
	return kmalloc(sizeof(struct devmap_handle), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
}

static void handle_copy(struct devmap_handle *copy, const struct devmap_handle *handle,
			struct devmap_space *space)
{
	lockdep_assert_held(&space->seg->lock);
	*copy = *handle;
	copy->space = space;
	xxshm_region_get(copy->region);
}

static void handle_unmap_middle(struct devmap_handle *handle, pgoff_t first,
				pgoff_t end)
{
	struct devmap_handle *after = handle_alloc_copy();
	struct devmap_seg *seg = handle->space->seg;
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
 * xxshm_handle_unmap() - pages of a mapping are unmapped: what is that to a handle?
 * @handle: the handle; it is gone if none of its pages is left
 * @first: the first of these pages
 * @end: the first that is not among them
 *
 * Context: Process context, may sleep; the process cannot change its VMAs, and no
 * lock of the segment is held.
 */
void xxshm_handle_unmap(struct devmap_handle *handle, pgoff_t first, pgoff_t end)
{
	bool keeps_head = handle->first < first;
	bool keeps_tail = end < xxshm_handle_end(handle);

	if (!xxshm_handle_overlaps(handle, first, end))
		return;
	if (keeps_head && keeps_tail)
		handle_unmap_middle(handle, first, end);
	else if (keeps_head)
		handle_unmap_tail(handle, first);
	else if (keeps_tail)
		handle_unmap_head(handle, end);
	else
		xxshm_handle_free(handle);
}

/**
 * xxshm_handle_dup() - copy a handle for a forked process
 * @handle: the handle
 * @child: the child
 *
 * Nobody can refuse a fork here: a child that the driver does not want, or that
 * could not be asked for each page, gets SIGSEGV.
 *
 * Context: In vm_operations_struct.open(), no lock of the segment is held.
 */
void xxshm_handle_dup(struct devmap_handle *handle, struct devmap_space *child)
{
	struct devmap_handle *copy = handle_alloc_copy();
	struct devmap_seg *seg = child->seg;
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
