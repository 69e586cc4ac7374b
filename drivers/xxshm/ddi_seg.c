// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: what one mmap(2) of a driver's node made, in all processes that have it
 * by now.
 *
 * Vocabulary: a space is a segment as one process has it: fork copies it, and munmap
 * takes it to pieces. A space has handles, and knows its VMAs. A segment is watched
 * if a handle has callbacks; one that is not has a single space, which all processes
 * share, for then nothing can tell them apart.
 *
 * A segment is plain if its pages lie in the store as they do in the mapping: then
 * the kernel's own code for files does all. Otherwise it stands in a reserved range
 * of the store, and its pages are found by handle, see ddi_fault.c.
 *
 * Invariants: a segment that a VMA has was covered by its handles to the page. What
 * is unmapped of it is taken from them, what is left has VMAs.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ddi_handle.h"
#include "ddi_seg.h"
#include "map.h"
#include "memlock.h"
#include "region.h"

/* fork has no way to fail when it gets here. */
#define SEG_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL)

/* Into so many pieces can a process take what a driver watches. */
#define MAX_VMAS	1024

/* Protection is the same in both worlds. */
static_assert(PROT_READ == VM_READ && PROT_WRITE == VM_WRITE);

/**
 * struct devmap_vma - a VMA of a watched segment
 * @entry: in devmap_space.vmas
 * @vma: the VMA
 */
struct devmap_vma {
	struct list_head entry;
	struct vm_area_struct *vma;
};

static struct devmap_space *seg_space(struct devmap_seg *seg,
				      const struct mm_struct *mm)
{
	struct devmap_space *space;

	lockdep_assert_held(&seg->lock);
	list_for_each_entry(space, &seg->spaces, entry)
		if (!seg->is_watched || space->mm == mm)
			return space;
	return NULL;
}

/* The first handle of a space that pages from @first to @end belong to, or NULL. */
static struct devmap_handle *space_handle(struct devmap_space *space,
					  pgoff_t first, pgoff_t end)
{
	struct devmap_handle *handle;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(handle, &space->handles, entry)
		if (xxshm_handle_overlaps(handle, first, end))
			return handle;
	return NULL;
}

/**
 * xxshm_seg_space() - what a process has of a segment
 * @seg: the segment
 * @mm: the process, whose VMAs of the segment do not go meanwhile
 *
 * Context: Process context, may sleep.
 * Return: the space.
 */
struct devmap_space *xxshm_seg_space(struct devmap_seg *seg, const struct mm_struct *mm)
{
	struct devmap_space *space;

	mutex_lock(&seg->lock);
	space = seg_space(seg, mm);
	mutex_unlock(&seg->lock);
	return space;
}

/**
 * xxshm_space_handle() - find the handle of a page
 * @space: what a process has of a segment
 * @page: the page of the mapping
 *
 * Context: Any that may sleep, with the segment's lock held.
 * Return: the handle; NULL if there is none.
 */
struct devmap_handle *xxshm_space_handle(struct devmap_space *space, pgoff_t page)
{
	return space_handle(space, page, page + 1);
}

/*
 * EACCES as for a file that was not opened for writing, see mprotect(2). What the
 * process may do is remembered: the handle must not be remapped to less.
 */
static int seg_may_protect(struct xxshm_map *map, pgoff_t index, pgoff_t npages,
			   unsigned long vm_flags)
{
	uint_t prot = vm_flags & (VM_READ | VM_WRITE);
	struct devmap_seg *seg = xxshm_map_to_seg(map);
	pgoff_t first = index - seg->map.index;
	struct devmap_handle *handle;
	struct devmap_space *space;
	int err = 0;

	mutex_lock(&seg->lock);
	space = seg_space(seg, current->mm);
	list_for_each_entry(handle, &space->handles, entry)
		if (xxshm_handle_overlaps(handle, first, first + npages) &&
		    prot & ~handle->maxprot)
			err = -EACCES;
	list_for_each_entry(handle, &space->handles, entry)
		if (!err && xxshm_handle_overlaps(handle, first, first + npages))
			handle->prot |= prot;
	mutex_unlock(&seg->lock);
	return err;
}

static void space_unmap_range(struct devmap_space *space, pgoff_t first, pgoff_t end)
{
	struct devmap_handle *handle, *next;

	list_for_each_entry_safe(handle, next, &space->handles, entry)
		xxshm_handle_unmap(handle, first, end);
}

/*
 * A fork that does not get it goes on without. It holds mmap_lock, so the first try does
 * not wait for memory of a cgroup that is above its memory.high.
 */
static unsigned long *space_alloc_loaded(const struct devmap_seg *seg)
{
	size_t nlongs = BITS_TO_LONGS(seg->npages);

	return kvcalloc(nlongs, sizeof(unsigned long),
			MEMLOCK_GFP & ~__GFP_DIRECT_RECLAIM) ?:
		kvcalloc(nlongs, sizeof(unsigned long), MEMLOCK_GFP);
}

static void space_init(struct devmap_space *space, struct devmap_seg *seg,
		       const struct mm_struct *mm)
{
	space->seg = seg;
	space->mm = mm;
	INIT_LIST_HEAD(&space->handles);
	INIT_LIST_HEAD(&space->vmas);
	init_rwsem(&space->telling);
	list_add(&space->entry, &seg->spaces);
}

/* What is left of it has no VMA: it was not copied by fork, for example. */
static void space_free(struct devmap_space *space)
{
	struct devmap_handle *handle, *next;
	struct devmap_seg *seg = space->seg;

	list_for_each_entry_safe(handle, next, &space->handles, entry)
		xxshm_handle_free(handle);
	mutex_lock(&seg->lock);
	list_del(&space->entry);
	mutex_unlock(&seg->lock);
	kvfree(space->loaded);
	if (space != &seg->first_space)
		kfree(space);
}

static void space_watch(struct devmap_space *space, struct vm_area_struct *vma)
{
	struct devmap_vma *dv = kmalloc(sizeof(*dv), SEG_GFP);

	dv->vma = vma;
	mutex_lock(&space->seg->lock);
	list_add(&dv->entry, &space->vmas);
	space->nvmas++;
	mutex_unlock(&space->seg->lock);
}

/*
 * Are pages of a VMA also those of another one? mremap moves them there, and opens it
 * before it closes this one.
 */
static bool space_is_moving(struct devmap_space *space, struct vm_area_struct *vma)
{
	struct devmap_vma *dv;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(dv, &space->vmas, entry)
		if (dv->vma != vma &&
		    dv->vma->vm_pgoff < vma->vm_pgoff + vma_pages(vma) &&
		    vma->vm_pgoff < dv->vma->vm_pgoff + vma_pages(dv->vma))
			return true;
	return false;
}

static void space_unwatch(struct devmap_space *space, struct vm_area_struct *vma)
{
	struct devmap_vma *dv;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(dv, &space->vmas, entry) {
		if (dv->vma == vma) {
			list_del(&dv->entry);
			kfree(dv);
			space->nvmas--;
			return;
		}
	}
}

/* A handle with several VMAs comes once for each of them. */
static bool space_has(struct devmap_space *space, const struct devmap_handle *handle)
{
	bool has;

	mutex_lock(&space->seg->lock);
	has = space_handle(space, handle->first, xxshm_handle_end(handle));
	mutex_unlock(&space->seg->lock);
	return has;
}

static void space_dup_range(struct devmap_space *parent, struct devmap_space *child,
			    pgoff_t first, pgoff_t end)
{
	struct devmap_handle *handle;

	list_for_each_entry(handle, &parent->handles, entry)
		if (xxshm_handle_overlaps(handle, first, end) &&
		    !space_has(child, handle))
			xxshm_handle_dup(handle, child);
}

static struct devmap_space *space_fork(struct devmap_space *parent,
				       const struct mm_struct *mm)
{
	struct devmap_space *child = kzalloc(sizeof(*child), SEG_GFP);
	struct devmap_seg *seg = parent->seg;

	mutex_lock(&seg->lock);
	space_init(child, seg, mm);
	mutex_unlock(&seg->lock);
	if (parent->loaded)
		child->loaded = space_alloc_loaded(seg);
	return child;
}

/*
 * For each piece is looked at when another one goes. mremap asks before it begins, and
 * for some pieces more when it cannot go back: then it would leave the pages at both
 * addresses.
 */
static int seg_may_split(struct xxshm_map *map, struct vm_area_struct *vma)
{
	struct devmap_seg *seg = xxshm_map_to_seg(map);
	struct devmap_space *space;
	bool may = true;

	if (!seg->is_watched)
		return 0;
	mutex_lock(&seg->lock);
	space = seg_space(seg, vma->vm_mm);
	if (space)
		may = space->nvmas < MAX_VMAS || space_is_moving(space, vma);
	mutex_unlock(&seg->lock);
	return may ? 0 : -ENOMEM;
}

static void seg_open(struct xxshm_map *map, struct vm_area_struct *vma)
{
	struct devmap_seg *seg = xxshm_map_to_seg(map);
	struct devmap_space *space, *parent;
	pgoff_t first = vma->vm_pgoff - seg->map.index;

	if (!seg->is_watched)
		return;
	mutex_lock(&seg->lock);
	space = seg_space(seg, vma->vm_mm);
	parent = seg_space(seg, current->mm);
	mutex_unlock(&seg->lock);
	if (!space)
		space = space_fork(parent, vma->vm_mm);
	space_watch(space, vma);
	if (parent && parent != space)
		space_dup_range(parent, space, first, first + vma_pages(vma));
}

static void seg_close(struct xxshm_map *map, struct vm_area_struct *vma)
{
	struct devmap_seg *seg = xxshm_map_to_seg(map);
	struct devmap_space *space;
	pgoff_t first = vma->vm_pgoff - seg->map.index;
	bool goes, is_last;

	if (!seg->is_watched)
		return;
	mutex_lock(&seg->lock);
	space = seg_space(seg, vma->vm_mm);
	goes = !space_is_moving(space, vma);
	space_unwatch(space, vma);
	is_last = list_empty(&space->vmas);
	mutex_unlock(&seg->lock);
	if (goes) {
		down_write(&space->telling);
		space_unmap_range(space, first, first + vma_pages(vma));
		up_write(&space->telling);
	}
	if (is_last)
		space_free(space);
}

static void seg_release(struct xxshm_map *map)
{
	struct devmap_seg *seg = xxshm_map_to_seg(map);
	struct devmap_space *space, *next;

	list_for_each_entry_safe(space, next, &seg->spaces, entry)
		space_free(space);
	mutex_destroy(&seg->lock);
}

static const struct xxshm_map_ops seg_plain_ops = {
	.release	= seg_release,
	.may_split	= seg_may_split,
	.open		= seg_open,
	.close		= seg_close,
	.may_protect	= seg_may_protect,
};

static const struct xxshm_map_ops seg_ops = {
	.release	= seg_release,
	.may_split	= seg_may_split,
	.open		= seg_open,
	.close		= seg_close,
	.may_protect	= seg_may_protect,
	.fault		= xxshm_seg_fault,
};

/**
 * xxshm_seg_init() - begin a segment
 * @seg: the segment, as xxshm_map_alloc() made it; it goes with xxshm_map_free(),
 *	and handles that the driver knows of are unmapped
 * @dev: the node
 * @off: the user's offset, in bytes
 * @npages: its size
 *
 * It has the space of the calling process, without handles.
 *
 * Context: Process context.
 */
void xxshm_seg_init(struct devmap_seg *seg, dev_t dev, offset_t off, pgoff_t npages)
{
	memset_after(seg, 0, map);
	mutex_init(&seg->lock);
	INIT_LIST_HEAD(&seg->spaces);
	seg->dev = dev;
	seg->off = off;
	seg->npages = npages;
	space_init(&seg->first_space, seg, current->mm);
	seg->map.ops = &seg_ops;
}

/**
 * xxshm_seg_add_handle() - begin the next handle of a segment
 * @seg: the segment, which no VMA has yet
 * @first: its first page in the mapping, after all others
 *
 * Context: Process context, may sleep.
 * Return: the handle, which belongs to the segment; NULL if there is no memory.
 */
struct devmap_handle *xxshm_seg_add_handle(struct devmap_seg *seg, pgoff_t first)
{
	struct devmap_space *space = &seg->first_space;
	struct devmap_handle *handle = &seg->first_handle;

	if (first)
		handle = kzalloc(sizeof(*handle), MEMLOCK_GFP);
	if (!handle)
		return NULL;
	handle->space = space;
	handle->first = first;
	list_add_tail(&handle->entry, &space->handles);
	return handle;
}

/* Tell the driver of its handles, until it refuses one. */
static int space_map(struct devmap_space *space)
{
	struct devmap_handle *handle;
	int err;

	list_for_each_entry(handle, &space->handles, entry) {
		err = xxshm_handle_map(handle);
		if (err)
			return err;
	}
	return 0;
}

static bool handle_has_callback(const struct devmap_handle *handle)
{
	return handle->ops.devmap_map || handle->ops.devmap_access ||
	       handle->ops.devmap_dup || handle->ops.devmap_unmap;
}

static bool seg_is_plain(const struct devmap_seg *seg)
{
	const struct devmap_handle *handle = &seg->first_handle;

	return handle->npages == seg->npages && !handle->is_trash &&
	       !(handle->flags & DEVMAP_ALLOW_REMAP) &&
	       !handle->ops.devmap_access && !handle->ops.devmap_dup;
}

/**
 * xxshm_seg_ready() - complete a segment that its handles cover
 * @seg: the segment; nothing is added to it from now on
 *
 * The driver is told by its map() callbacks.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENXIO if the driver refuses a handle; -ENOMEM.
 */
int xxshm_seg_ready(struct devmap_seg *seg)
{
	struct devmap_space *space = &seg->first_space;
	struct devmap_handle *handle;
	bool is_asked = false;
	int err;

	list_for_each_entry(handle, &space->handles, entry) {
		seg->is_watched |= handle_has_callback(handle);
		is_asked |= !!handle->ops.devmap_access;
	}
	if (is_asked) {
		space->loaded = space_alloc_loaded(seg);
		if (!space->loaded)
			return -ENOMEM;
	}
	if (seg_is_plain(seg)) {
		handle = &seg->first_handle;
		seg->map.ops = &seg_plain_ops;
		seg->map.index = xxshm_region_first(handle->region) + handle->koff;
	} else {
		err = xxshm_region_reserve(seg->npages, &seg->map.index);
		if (err)
			return err;
	}
	return space_map(space);
}

/**
 * xxshm_seg_watch() - the segment gets its first VMA
 * @seg: the segment
 * @vma: the VMA; its vm_pgoff is going to be the index of the segment
 *
 * Context: In an mmap handler, as its last step.
 */
void xxshm_seg_watch(struct devmap_seg *seg, struct vm_area_struct *vma)
{
	if (seg->is_watched)
		space_watch(&seg->first_space, vma);
}
