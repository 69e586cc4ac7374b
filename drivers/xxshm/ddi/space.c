// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces: a segment as one process has it.
 *
 * fork copies a space, munmap takes it to pieces. A space has handles, and if its
 * segment is watched, a list of its VMAs, so that it knows when the last one goes.
 *
 * The lists of a space change only while the process cannot change its VMAs. The
 * segment's lock protects them from page faults, which look at the handles.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "../memlock.h"
#include "handle.h"
#include "space.h"

/* For what fork needs when it can no longer fail. */
#define SPACE_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL)

/* The most VMAs of a watched space: each unmap scans all of them. */
#define SPACE_MAX_VMAS	1024

/**
 * struct space_vma - a VMA of a watched segment
 * @entry: in ddi_space.vmas
 * @vma: the VMA
 */
struct space_vma {
	struct list_head entry;
	struct vm_area_struct *vma;
};

/**
 * ddi_space_init() - begin a space without handles
 * @space: the space
 * @seg: the segment that it is part of
 * @mm: the process
 *
 * Context: Any, with @seg->lock held if others know of @seg.
 */
void ddi_space_init(struct ddi_space *space, struct ddi_segment *seg,
		    const struct mm_struct *mm)
{
	space->seg = seg;
	space->mm = mm;
	INIT_LIST_HEAD(&space->handles);
	INIT_LIST_HEAD(&space->vmas);
	init_rwsem(&space->telling);
	list_add(&space->entry, &seg->spaces);
}

/**
 * ddi_space_free() - free a space that has no VMA
 * @space: the space; handles that are left had none either: fork may copy a part only
 *
 * Context: Process context, may sleep.
 */
void ddi_space_free(struct ddi_space *space)
{
	struct ddi_handle *handle, *next;
	struct ddi_segment *seg = space->seg;

	list_for_each_entry_safe(handle, next, &space->handles, entry)
		ddi_handle_free(handle);
	mutex_lock(&seg->lock);
	list_del(&space->entry);
	mutex_unlock(&seg->lock);
	kvfree(space->loaded);
	if (space != &seg->first_space)
		kfree(space);
}

/**
 * ddi_space_find_locked() - find what a process has of a segment
 * @seg: the segment
 * @mm: the process
 *
 * Context: Process context, with @seg->lock held.
 * Return: the space; NULL if the process has none.
 */
struct ddi_space *ddi_space_find_locked(struct ddi_segment *seg,
					const struct mm_struct *mm)
{
	struct ddi_space *space;

	lockdep_assert_held(&seg->lock);
	list_for_each_entry(space, &seg->spaces, entry)
		if (!seg->is_watched || space->mm == mm)
			return space;
	return NULL;
}

/**
 * ddi_space_find() - find what a process has of a segment
 * @seg: the segment
 * @mm: the process, which has a VMA of the segment that stays meanwhile
 *
 * Context: Process context, may sleep.
 * Return: the space.
 */
struct ddi_space *ddi_space_find(struct ddi_segment *seg, const struct mm_struct *mm)
{
	struct ddi_space *space;

	mutex_lock(&seg->lock);
	space = ddi_space_find_locked(seg, mm);
	mutex_unlock(&seg->lock);
	return space;
}

/* The first handle of a space that pages from @first to @end belong to, or NULL. */
static struct ddi_handle *space_handle(struct ddi_space *space, pgoff_t first,
				       pgoff_t end)
{
	struct ddi_handle *handle;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(handle, &space->handles, entry)
		if (ddi_handle_overlaps(handle, first, end))
			return handle;
	return NULL;
}

/**
 * ddi_space_handle_locked() - find the handle of a page
 * @space: the space
 * @page: the page of the mapping
 *
 * Context: Process context, with the segment's lock held.
 * Return: the handle; NULL if there is none.
 */
struct ddi_handle *ddi_space_handle_locked(struct ddi_space *space, pgoff_t page)
{
	return space_handle(space, page, page + 1);
}

/**
 * ddi_space_add_handle() - begin the next handle of a space
 * @space: the first space of a segment that no VMA has yet
 * @first: the handle's first page in the mapping, after all others
 *
 * Context: Process context, may sleep.
 * Return: the handle, which belongs to the space; NULL if there is no memory.
 */
struct ddi_handle *ddi_space_add_handle(struct ddi_space *space, pgoff_t first)
{
	struct ddi_handle *handle = &space->seg->first_handle;

	if (first)
		handle = kzalloc(sizeof(*handle), MEMLOCK_GFP);
	if (!handle)
		return NULL;
	handle->space = space;
	handle->first = first;
	list_add_tail(&handle->entry, &space->handles);
	return handle;
}

/**
 * ddi_space_alloc_loaded() - get ready to remember which pages the driver has loaded
 * @space: the space
 *
 * fork calls this with mmap_lock held. So the first try does not reclaim: reclaim would
 * wait in a memory cgroup that is above its memory.high.
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int ddi_space_alloc_loaded(struct ddi_space *space)
{
	size_t nlongs = BITS_TO_LONGS(space->seg->npages);

	space->loaded = kvcalloc(nlongs, sizeof(unsigned long),
				 MEMLOCK_GFP & ~__GFP_DIRECT_RECLAIM) ?:
			kvcalloc(nlongs, sizeof(unsigned long), MEMLOCK_GFP);
	return space->loaded ? 0 : -ENOMEM;
}

/**
 * ddi_space_map() - tell the driver of all handles of a space
 * @space: the first space of a segment that no VMA has yet
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENXIO if the driver refuses a handle.
 */
int ddi_space_map(struct ddi_space *space)
{
	struct ddi_handle *handle;
	int err;

	list_for_each_entry(handle, &space->handles, entry) {
		err = ddi_handle_map(handle);
		if (err)
			return err;
	}
	return 0;
}

/**
 * ddi_space_fork() - begin the space of a forked process
 * @parent: the space of the process that forked
 * @mm: the child
 *
 * If there is no memory for the child's loaded pages, fork goes on without: see
 * ddi_handle_dup().
 *
 * Context: In vm_operations_struct.open().
 * Return: the space, without handles.
 */
struct ddi_space *ddi_space_fork(struct ddi_space *parent, const struct mm_struct *mm)
{
	struct ddi_space *child = kzalloc(sizeof(*child), SPACE_GFP);
	struct ddi_segment *seg = parent->seg;

	mutex_lock(&seg->lock);
	ddi_space_init(child, seg, mm);
	mutex_unlock(&seg->lock);
	if (parent->loaded)
		ddi_space_alloc_loaded(child);
	return child;
}

/* A handle that has several VMAs comes once for each of them. */
static bool space_has(struct ddi_space *space, const struct ddi_handle *handle)
{
	bool has;

	mutex_lock(&space->seg->lock);
	has = space_handle(space, handle->first, ddi_handle_end(handle));
	mutex_unlock(&space->seg->lock);
	return has;
}

/**
 * ddi_space_dup() - copy the handles of a VMA that fork has copied
 * @parent: the space of the process that forked
 * @child: the space of the child
 * @first: the first page of the VMA, in the mapping
 * @end: the page after its last one
 *
 * Context: In vm_operations_struct.open().
 */
void ddi_space_dup(struct ddi_space *parent, struct ddi_space *child, pgoff_t first,
		   pgoff_t end)
{
	struct ddi_handle *handle;

	list_for_each_entry(handle, &parent->handles, entry)
		if (ddi_handle_overlaps(handle, first, end) && !space_has(child, handle))
			ddi_handle_dup(handle, child);
}

/*
 * Does another VMA have pages of this one, too? Then mremap is moving them: it opens
 * the new VMA before it closes the old one.
 */
static bool space_is_moving(struct ddi_space *space, struct vm_area_struct *vma)
{
	struct space_vma *sv;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(sv, &space->vmas, entry)
		if (sv->vma != vma &&
		    sv->vma->vm_pgoff < vma->vm_pgoff + vma_pages(vma) &&
		    vma->vm_pgoff < sv->vma->vm_pgoff + vma_pages(sv->vma))
			return true;
	return false;
}

/**
 * ddi_space_may_split_locked() - may a VMA become two?
 * @space: the space
 * @vma: the VMA
 *
 * mremap asks before it begins, and for some pieces again past its point of no return.
 * A refusal there would leave the pages at both addresses.
 *
 * Context: Process context, with the segment's lock held.
 * Return: true if the space has few VMAs, or is past that point.
 */
bool ddi_space_may_split_locked(struct ddi_space *space,
				struct vm_area_struct *vma)
{
	lockdep_assert_held(&space->seg->lock);
	return space->nvmas < SPACE_MAX_VMAS || space_is_moving(space, vma);
}

/**
 * ddi_space_open_vma() - a space gets a VMA
 * @space: the space, of a watched segment
 * @vma: the VMA
 *
 * Context: Process context, may sleep.
 */
void ddi_space_open_vma(struct ddi_space *space, struct vm_area_struct *vma)
{
	struct space_vma *sv = kmalloc(sizeof(*sv), SPACE_GFP);

	sv->vma = vma;
	mutex_lock(&space->seg->lock);
	list_add(&sv->entry, &space->vmas);
	space->nvmas++;
	mutex_unlock(&space->seg->lock);
}

static void space_forget_vma(struct ddi_space *space, const struct vm_area_struct *vma)
{
	struct space_vma *sv;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(sv, &space->vmas, entry) {
		if (sv->vma == vma) {
			list_del(&sv->entry);
			kfree(sv);
			space->nvmas--;
			return;
		}
	}
}

static void space_unmap(struct ddi_space *space, pgoff_t first, pgoff_t end)
{
	struct ddi_handle *handle, *next;

	down_write(&space->telling);
	list_for_each_entry_safe(handle, next, &space->handles, entry)
		ddi_handle_unmap(handle, first, end);
	up_write(&space->telling);
}

/**
 * ddi_space_close_vma() - a VMA of a space goes
 * @space: the space, of a watched segment; it goes with its last VMA
 * @vma: the VMA
 *
 * The driver is told of the pages that no VMA has any more.
 *
 * Context: In vm_operations_struct.close().
 */
void ddi_space_close_vma(struct ddi_space *space, struct vm_area_struct *vma)
{
	pgoff_t first = vma->vm_pgoff - space->seg->map.index;
	bool goes, is_last;

	mutex_lock(&space->seg->lock);
	goes = !space_is_moving(space, vma);
	space_forget_vma(space, vma);
	is_last = list_empty(&space->vmas);
	mutex_unlock(&space->seg->lock);
	if (goes)
		space_unmap(space, first, first + vma_pages(vma));
	if (is_last)
		ddi_space_free(space);
}

/**
 * ddi_space_protect_locked() - may pages have more protection?
 * @space: the space
 * @first: the first of the pages, in the mapping
 * @end: the page after the last one
 * @prot: PROT_READ and PROT_WRITE, as mprotect(2) wants them
 *
 * The handles remember the protection that they have given: a driver must not remap them
 * to memory that allows less.
 *
 * Context: Process context, with the segment's lock held.
 * Return: 0; -EACCES if the driver allows less, as for a file that was not opened for
 * writing, see mprotect(2).
 */
int ddi_space_protect_locked(struct ddi_space *space, pgoff_t first, pgoff_t end,
			     uint_t prot)
{
	struct ddi_handle *handle;

	lockdep_assert_held(&space->seg->lock);
	list_for_each_entry(handle, &space->handles, entry)
		if (ddi_handle_overlaps(handle, first, end) && prot & ~handle->maxprot)
			return -EACCES;
	list_for_each_entry(handle, &space->handles, entry)
		if (ddi_handle_overlaps(handle, first, end))
			handle->prot |= prot;
	return 0;
}
