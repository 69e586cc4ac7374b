// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: what one mmap(2) of a driver's node made, in all processes that have it
 * by now; and what happens to its VMAs.
 *
 * Vocabulary: a segment is watched if a handle has callbacks. It then has a space for
 * each process. A segment that is not watched has a single space, which all processes
 * share: nothing can tell them apart.
 *
 * A segment is plain if its pages lie in the pool of regions in the same order as in
 * the mapping. Then the kernel's own code for files does everything. Otherwise the
 * segment stands in a reserved range of the pool, and fault.c finds its pages by
 * handle.
 *
 * Invariants: when a segment gets its first VMA, its handles cover it to the page. Later
 * the handles have exactly the pages that have VMAs.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../map.h"
#include "../region.h"
#include "fault.h"
#include "segment.h"
#include "space.h"

/* Protection is the same in both worlds. */
static_assert(PROT_READ == VM_READ && PROT_WRITE == VM_WRITE);

static int segment_may_protect(struct xxshm_map *map, pgoff_t index, pgoff_t npages,
			       unsigned long vm_flags)
{
	struct ddi_segment *seg = ddi_segment_of(map);
	pgoff_t first = index - map->index;
	int err;

	mutex_lock(&seg->lock);
	err = ddi_space_protect_locked(ddi_space_find_locked(seg, current->mm), first,
				       first + npages, vm_flags & (VM_READ | VM_WRITE));
	mutex_unlock(&seg->lock);
	return err;
}

static int segment_may_split(struct xxshm_map *map, struct vm_area_struct *vma)
{
	struct ddi_segment *seg = ddi_segment_of(map);
	struct ddi_space *space;
	bool may;

	if (!seg->is_watched)
		return 0;
	mutex_lock(&seg->lock);
	space = ddi_space_find_locked(seg, vma->vm_mm);
	may = !space || ddi_space_may_split_locked(space, vma);
	mutex_unlock(&seg->lock);
	return may ? 0 : -ENOMEM;
}

static void segment_open(struct xxshm_map *map, struct vm_area_struct *vma)
{
	struct ddi_segment *seg = ddi_segment_of(map);
	pgoff_t first = vma->vm_pgoff - map->index;
	struct ddi_space *space, *parent;

	if (!seg->is_watched)
		return;
	mutex_lock(&seg->lock);
	space = ddi_space_find_locked(seg, vma->vm_mm);
	parent = ddi_space_find_locked(seg, current->mm);
	mutex_unlock(&seg->lock);
	if (!space)
		space = ddi_space_fork(parent, vma->vm_mm);
	ddi_space_open_vma(space, vma);
	if (parent && parent != space)
		ddi_space_dup(parent, space, first, first + vma_pages(vma));
}

static void segment_close(struct xxshm_map *map, struct vm_area_struct *vma)
{
	struct ddi_segment *seg = ddi_segment_of(map);

	if (seg->is_watched)
		ddi_space_close_vma(ddi_space_find(seg, vma->vm_mm), vma);
}

static void segment_release(struct xxshm_map *map)
{
	struct ddi_segment *seg = ddi_segment_of(map);
	struct ddi_space *space, *next;

	list_for_each_entry_safe(space, next, &seg->spaces, entry)
		ddi_space_free(space);
	mutex_destroy(&seg->lock);
}

static const struct xxshm_map_ops segment_plain_ops = {
	.release	= segment_release,
	.may_split	= segment_may_split,
	.open		= segment_open,
	.close		= segment_close,
	.may_protect	= segment_may_protect,
};

static const struct xxshm_map_ops segment_ops = {
	.release	= segment_release,
	.may_split	= segment_may_split,
	.open		= segment_open,
	.close		= segment_close,
	.may_protect	= segment_may_protect,
	.fault		= ddi_fault,
};

/**
 * ddi_segment_init() - begin a segment
 * @seg: the segment, as xxshm_map_alloc() made it; it goes with xxshm_map_free(),
 *	and handles that the driver knows of are unmapped then
 * @dev: the node
 * @off: the user's offset, in bytes
 * @npages: its size
 *
 * It has the space of the calling process, without handles.
 *
 * Context: Process context.
 */
void ddi_segment_init(struct ddi_segment *seg, dev_t dev, offset_t off, pgoff_t npages)
{
	memset_after(seg, 0, map);
	mutex_init(&seg->lock);
	INIT_LIST_HEAD(&seg->spaces);
	seg->dev = dev;
	seg->off = off;
	seg->npages = npages;
	ddi_space_init(&seg->first_space, seg, current->mm);
	seg->map.ops = &segment_ops;
}

/**
 * ddi_segment_add_handle() - begin the next handle of a segment
 * @seg: the segment, which no VMA has yet
 * @first: the handle's first page in the mapping, after all others
 *
 * Context: Process context, may sleep.
 * Return: the handle, which belongs to the segment; NULL if there is no memory.
 */
struct ddi_handle *ddi_segment_add_handle(struct ddi_segment *seg, pgoff_t first)
{
	return ddi_space_add_handle(&seg->first_space, first);
}

static bool segment_handle_has_callback(const struct ddi_handle *handle)
{
	return handle->ops.devmap_map || handle->ops.devmap_access ||
	       handle->ops.devmap_dup || handle->ops.devmap_unmap;
}

/* Get ready for the callbacks of the handles. */
static int segment_prepare_callbacks(struct ddi_segment *seg)
{
	struct ddi_space *space = &seg->first_space;
	struct ddi_handle *handle;
	bool is_asked = false;

	list_for_each_entry(handle, &space->handles, entry) {
		seg->is_watched |= segment_handle_has_callback(handle);
		is_asked |= !!handle->ops.devmap_access;
	}
	return is_asked ? ddi_space_alloc_loaded(space) : 0;
}

static bool segment_is_plain(const struct ddi_segment *seg)
{
	const struct ddi_handle *handle = &seg->first_handle;

	return handle->npages == seg->npages && !handle->is_trash &&
	       !(handle->flags & DEVMAP_ALLOW_REMAP) &&
	       !handle->ops.devmap_access && !handle->ops.devmap_dup;
}

/* Give the segment its place in the pool of regions. */
static int segment_place(struct ddi_segment *seg)
{
	const struct ddi_handle *handle = &seg->first_handle;

	if (!segment_is_plain(seg))
		return xxshm_region_reserve(seg->npages, &seg->map.index);
	seg->map.ops = &segment_plain_ops;
	seg->map.index = xxshm_region_first(handle->region) + handle->koff;
	return 0;
}

/**
 * ddi_segment_ready() - complete a segment that its handles cover
 * @seg: the segment; nothing is added to it from now on
 *
 * The driver is told by its map() callbacks.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENXIO if the driver refuses a handle; -ENOMEM.
 */
int ddi_segment_ready(struct ddi_segment *seg)
{
	int err;

	err = segment_prepare_callbacks(seg);
	if (!err)
		err = segment_place(seg);
	return err ?: ddi_space_map(&seg->first_space);
}

/**
 * ddi_segment_commit() - make a VMA the mapping of a segment
 * @seg: the segment, which is ready; the VMA owns it from now on
 * @vma: as mmap(2) made it; its file's f_mapping is xxshm_region_mapping()
 *
 * Context: In an mmap handler, as its last step.
 */
void ddi_segment_commit(struct ddi_segment *seg, struct vm_area_struct *vma)
{
	if (seg->is_watched)
		ddi_space_open_vma(&seg->first_space, vma);
	xxshm_map_commit(vma, &seg->map);
}
