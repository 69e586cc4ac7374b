// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a driver's mapping: how they are found, how the driver is asked
 * before they are, and how it takes them away again: devmap_load(9F),
 * devmap_umem_remap(9F).
 *
 * A page fault locks the page that it finds while it holds the segment's lock, and
 * keeps it locked until it is installed. A change of what a fault would find is made
 * under the segment's lock, too. The caller then waits for the lock of each page that
 * was to be found before, and takes away the pages that are installed by then. The fault
 * itself never waits for a page under the segment's lock: it tries, and begins anew.
 *
 * The index of such a page is not that of the VMA: rmap does not find it. It can't be
 * migrated anyway; and if its memory breaks, who has touched it before keeps it.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>

#include <xxshm/devmap.h>

#include "ddi_handle.h"
#include "ddi_seg.h"
#include "ddi_umem.h"
#include "fault.h"
#include "pages.h"
#include "region.h"

static bool handle_must_ask(const struct devmap_handle *handle, pgoff_t page)
{
	return handle->ops.devmap_access && !test_bit(page, handle->space->loaded);
}

/* The page of its region that a page of the mapping is. */
static pgoff_t handle_at(const struct devmap_handle *handle, pgoff_t page)
{
	return handle->is_trash ? 0 : handle->koff + page - handle->first;
}

/*
 * What access() returned, as a fault has it. If a signal interrupted it, the process
 * handles the signal and touches the page again; what the kernel does for the process
 * has to end first, and fails.
 */
static vm_fault_t access_result(int ret, const struct vm_fault *vmf)
{
	if (ret == EINTR && vmf->flags & FAULT_FLAG_USER)
		return VM_FAULT_NOPAGE;
	return ret ? VM_FAULT_SIGBUS : 0;
}

/*
 * Ask the driver before a page is touched. The space is held for reading: munmap has
 * only the mmap_lock for reading when it tells the driver of what goes, as we have.
 */
static vm_fault_t space_ask(struct devmap_space *space, pgoff_t page,
			    const struct vm_fault *vmf)
{
	int (*access)(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
		      uint_t type, uint_t rw) = NULL;
	uint_t rw = vmf->flags & FAULT_FLAG_WRITE ? DEVMAP_WRITE : DEVMAP_READ;
	struct devmap_seg *seg = space->seg;
	struct devmap_handle *handle;
	void *pvtp = NULL;
	int ret = 0;

	down_read(&space->telling);
	mutex_lock(&seg->lock);
	handle = xxshm_space_handle(space, page);
	if (handle && !handle->is_refused && handle_must_ask(handle, page)) {
		access = handle->ops.devmap_access;
		pvtp = handle->pvtp;
	}
	mutex_unlock(&seg->lock);
	if (access)
		ret = access(handle, pvtp, xxshm_seg_offset(seg, page), PAGE_SIZE,
			     DEVMAP_ACCESS, rw);
	up_read(&space->telling);
	return access_result(ret, vmf);
}

/* 0 if the page is found, but somebody else has it locked. */
static vm_fault_t space_try_page(struct devmap_space *space, pgoff_t page,
				 struct page **found)
{
	struct devmap_handle *handle = xxshm_space_handle(space, page);

	if (!handle)
		return VM_FAULT_SIGBUS;
	if (handle->is_invalid || handle->is_refused)
		return VM_FAULT_SIGSEGV;
	/* The driver did not load it, or has unloaded it again: once more. */
	if (handle_must_ask(handle, page))
		return fatal_signal_pending(current) ? VM_FAULT_SIGBUS :
			VM_FAULT_NOPAGE;
	*found = xxshm_region_find_page(handle->region, handle_at(handle, page));
	if (*found && !xxshm_pages_trylock(xxshm_region_mapping(), *found))
		return 0;
	return *found ? VM_FAULT_LOCKED : VM_FAULT_SIGBUS;
}

static vm_fault_t space_lock_page(struct devmap_space *space, pgoff_t page,
				  struct vm_fault *vmf)
{
	struct devmap_seg *seg = space->seg;
	struct page *found;
	vm_fault_t ret;

	do {
		mutex_lock(&seg->lock);
		ret = space_try_page(space, page, &found);
		mutex_unlock(&seg->lock);
		if (ret == VM_FAULT_LOCKED)
			vmf->page = found;
		if (ret)
			return ret;
		ret = xxshm_fault_wait(vmf, found);
	} while (!ret);
	return ret;
}

/**
 * xxshm_seg_fault() - a page of a segment that is not plain
 * @map: that of the segment
 * @vmf: the page fault
 *
 * Context: In a fault handler.
 * Return: VM_FAULT_LOCKED and the page; VM_FAULT_NOPAGE if the driver's access() did not
 * load it, or was interrupted, so that the process will touch it again; VM_FAULT_SIGSEGV
 * if the driver made it invalid; VM_FAULT_SIGBUS if access() failed, the page is broken,
 * or the process is being killed; what else xxshm_fault_wait() returns if somebody has
 * the page locked.
 */
vm_fault_t xxshm_seg_fault(struct xxshm_map *map, struct vm_fault *vmf)
{
	struct devmap_seg *seg = xxshm_map_to_seg(map);
	struct devmap_space *space = xxshm_seg_space(seg, vmf->vma->vm_mm);
	pgoff_t page = vmf->pgoff - seg->map.index;
	vm_fault_t ret = 0;

	if (space->loaded)
		ret = space_ask(space, page, vmf);
	return ret ?: space_lock_page(space, page, vmf);
}

/**
 * struct devmap_part - pages of a handle, and what they are of
 * @seg: the segment
 * @first: the first of them in the mapping
 * @npages: how many
 * @region: what they are of; part_zap() wants a reference
 * @at: the page of @region that is the first
 */
struct devmap_part {
	struct devmap_seg *seg;
	pgoff_t first;
	pgoff_t npages;
	struct xxshm_region *region;
	pgoff_t at;
};

static struct devmap_part handle_part(const struct devmap_handle *handle,
				      pgoff_t first, pgoff_t end)
{
	return (struct devmap_part){
		.seg	= handle->space->seg,
		.first	= first,
		.npages	= end - first,
		.region	= handle->region,
		.at	= handle_at(handle, first),
	};
}

/* Those that the driver means, by the user's offset; 0 is all that follow. */
static bool handle_find_part(const struct devmap_handle *handle, offset_t off,
			     size_t len, struct devmap_part *part)
{
	struct devmap_seg *seg = handle->space->seg;
	offset_t begin = off - xxshm_seg_offset(seg, 0);
	pgoff_t first = begin >> PAGE_SHIFT, end;

	lockdep_assert_held(&seg->lock);
	if (begin < 0 || first < handle->first || first >= xxshm_handle_end(handle) ||
	    len > handle->npages << PAGE_SHIFT)
		return false;
	end = len ? PAGE_ALIGN(begin + len) >> PAGE_SHIFT : xxshm_handle_end(handle);
	if (end > xxshm_handle_end(handle))
		return false;
	*part = handle_part(handle, first, end);
	return true;
}

/* Its pages are to be asked for again. */
static void part_forget_loaded(const struct devmap_part *part,
			       struct devmap_space *space)
{
	if (space->loaded)
		bitmap_clear(space->loaded, part->first, part->npages);
}

static struct devmap_part handle_whole(const struct devmap_handle *handle)
{
	return handle_part(handle, handle->first, xxshm_handle_end(handle));
}

/* A page fault has it locked until it is installed. */
static void part_wait(const struct devmap_part *part, pgoff_t at)
{
	struct page *page = xxshm_region_find_page(part->region, at);

	if (page) {
		lock_page(page);
		unlock_page(page);
		put_page(page);
	}
}

/*
 * Take the pages away from all that have them, or are getting them by now, and drop
 * the reference to their region.
 */
static void part_zap(const struct devmap_part *part)
{
	pgoff_t last = min(part->at + part->npages, xxshm_region_npages(part->region));
	pgoff_t at;

	for (at = part->at; at < last; at++) {
		part_wait(part, at);
		cond_resched();
	}
	unmap_mapping_range(xxshm_region_mapping(),
			    (loff_t)(part->seg->map.index + part->first) << PAGE_SHIFT,
			    (loff_t)part->npages << PAGE_SHIFT, 1);
	xxshm_region_put(part->region);
}

/**
 * devmap_load() - let a process touch pages, without asking the driver again
 * @dhp: the handle
 * @off: the user's offset of the first page, in bytes, rounded down
 * @len: how many bytes, rounded up to pages; 0: all that follow in the handle
 * @type: as given to access()
 * @rw: as given to access()
 *
 * As devmap_load(9F).
 *
 * Context: In access(), or elsewhere in process context.
 * Return: 0; FC_MAKE_ERR(EINVAL) if the pages are not inside the handle;
 * FC_NOMAP if the handle is invalid.
 */
int devmap_load(devmap_cookie_t dhp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct devmap_space *space = dhp->space;
	struct devmap_part part;
	int ret = 0;

	mutex_lock(&space->seg->lock);
	if (!handle_find_part(dhp, off, len, &part))
		ret = FC_MAKE_ERR(EINVAL);
	else if (dhp->is_invalid)
		ret = FC_NOMAP;
	else if (space->loaded)
		bitmap_set(space->loaded, part.first, part.npages);
	mutex_unlock(&space->seg->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(devmap_load);

/**
 * devmap_default_access() - what access() does if it has no objection
 * @dhp: the handle
 * @pvtp: as given to access()
 * @off: as given to access()
 * @len: as given to access()
 * @type: as given to access()
 * @rw: as given to access()
 *
 * As devmap_default_access(9F): devmap_load().
 *
 * Context: In access().
 * Return: as devmap_load().
 */
int devmap_default_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			  uint_t type, uint_t rw)
{
	return devmap_load(dhp, off, len, type, rw);
}
EXPORT_SYMBOL_GPL(devmap_default_access);

/**
 * devmap_unload() - ask the driver again before a process touches pages
 * @dhp: the handle; it must not go meanwhile. One that is unmapped as a whole goes
 *	when its unmap() returns
 * @off: as for devmap_load()
 * @len: as for devmap_load()
 *
 * As devmap_unload(9F).
 *
 * Context: Process context, may sleep, also in access(), dup() and unmap() of this
 * handle or another one. In an unmap() of a part, @dhp is what is left already, and
 * the pages that go are not inside it.
 * Return: 0; FC_MAKE_ERR(EINVAL) if the pages are not inside the handle.
 */
int devmap_unload(devmap_cookie_t dhp, offset_t off, size_t len)
{
	struct devmap_space *space = dhp->space;
	struct devmap_part part;
	bool is_inside;

	mutex_lock(&space->seg->lock);
	is_inside = handle_find_part(dhp, off, len, &part);
	if (is_inside) {
		xxshm_region_get(part.region);
		part_forget_loaded(&part, space);
	}
	mutex_unlock(&space->seg->lock);
	if (!is_inside)
		return FC_MAKE_ERR(EINVAL);
	part_zap(&part);
	return 0;
}
EXPORT_SYMBOL_GPL(devmap_unload);

/**
 * devmap_umem_remap() - let a handle show other memory
 * @dhp: the handle, set up with DEVMAP_ALLOW_REMAP; it must not go meanwhile
 * @dip: has no meaning
 * @cookie: the memory, from ddi_umem_alloc()
 * @koff: where the range begins in it, in bytes; a multiple of the page size
 * @len: the length of the handle, in bytes
 * @maxprot: what the process may have, at most; PROT_USER must be in it
 * @flags: 0
 * @accattrp: has no meaning
 *
 * As devmap_umem_remap(9F): the process sees the other memory where it saw the
 * first one, once access() has been asked again. An invalid handle is valid again. A
 * process that has made its mapping writable does not get memory that @maxprot says is
 * not.
 *
 * Linux does better: @len is compared with the handle, and @cookie may not be NULL.
 *
 * Context: Process context, may sleep.
 * Return: DDI_SUCCESS; DDI_FAILURE if an argument is wrong, the handle was made without
 * DEVMAP_ALLOW_REMAP, the memory cgroup of the process is at its limit, there is no
 * memory, or the process is being killed.
 */
int devmap_umem_remap(devmap_cookie_t dhp, dev_info_t *dip, ddi_umem_cookie_t cookie,
		      offset_t koff, size_t len, uint_t maxprot, uint_t flags,
		      const ddi_device_acc_attr_t *accattrp)
{
	struct devmap_seg *seg = dhp->space->seg;
	struct devmap_part old;
	bool fits;

	if (!cookie || flags || !(dhp->flags & DEVMAP_ALLOW_REMAP) ||
	    !xxshm_cookie_has_range(cookie, koff, len) ||
	    xxshm_region_publish(cookie->region))
		return DDI_FAILURE;
	mutex_lock(&seg->lock);
	maxprot &= dhp->ceiling;
	fits = len == dhp->npages << PAGE_SHIFT && !(dhp->prot & ~maxprot);
	if (fits) {
		old = handle_whole(dhp);
		part_forget_loaded(&old, dhp->space);
		xxshm_region_get(cookie->region);
		dhp->region = cookie->region;
		dhp->is_trash = cookie->trash;
		dhp->koff = koff >> PAGE_SHIFT;
		dhp->maxprot = maxprot;
		dhp->is_invalid = false;
	}
	mutex_unlock(&seg->lock);
	if (!fits)
		return DDI_FAILURE;
	part_zap(&old);
	return DDI_SUCCESS;
}
EXPORT_SYMBOL_GPL(devmap_umem_remap);

/**
 * devmap_devmem_remap() - make a handle invalid
 * @dhp: the handle, set up with DEVMAP_ALLOW_REMAP; it must not go meanwhile
 * @dip: has no meaning
 * @rnumber: has no meaning
 * @roff: has no meaning
 * @len: has no meaning
 * @maxprot: has no meaning
 * @flags: DEVMAP_MAPPING_INVALID
 * @accattrp: has no meaning
 *
 * As devmap_devmem_remap(9F) with that flag, which is the only use it has for
 * kernel memory: touching the pages is SIGSEGV until devmap_umem_remap(), which an
 * access() may call, for it is asked before. The handle still holds its memory.
 *
 * Context: Process context, may sleep.
 * Return: DDI_SUCCESS; DDI_FAILURE if the handle may not be remapped, or for any
 * other flags: there is no device memory here.
 */
int devmap_devmem_remap(devmap_cookie_t dhp, dev_info_t *dip, uint_t rnumber,
			offset_t roff, size_t len, uint_t maxprot, uint_t flags,
			const ddi_device_acc_attr_t *accattrp)
{
	struct devmap_seg *seg = dhp->space->seg;
	struct devmap_part part;

	if (flags != DEVMAP_MAPPING_INVALID || !(dhp->flags & DEVMAP_ALLOW_REMAP))
		return DDI_FAILURE;
	mutex_lock(&seg->lock);
	dhp->is_invalid = true;
	part = handle_whole(dhp);
	part_forget_loaded(&part, dhp->space);
	xxshm_region_get(part.region);
	mutex_unlock(&seg->lock);
	part_zap(&part);
	return DDI_SUCCESS;
}
EXPORT_SYMBOL_GPL(devmap_devmem_remap);
