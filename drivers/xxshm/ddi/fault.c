// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of a driver's mapping that is not plain: the driver is asked by its
 * access() callback, then the page is found by its handle.
 *
 * A fault locks the page that it finds while it holds the segment's lock, and keeps the
 * page locked until it is installed: remap.c waits for that. A fault never waits for a
 * page under the segment's lock: it tries, and begins again.
 *
 * The index of such a page differs from that of the VMA, so rmap does not find it. The
 * page cannot be migrated anyway. If its memory breaks, a process that has touched it
 * before keeps it.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>

#include "../fault.h"
#include "../pages.h"
#include "../region.h"
#include "fault.h"
#include "handle.h"
#include "space.h"

static bool ddi_fault_must_ask(const struct ddi_handle *handle, pgoff_t page)
{
	lockdep_assert_held(&handle->space->seg->lock);
	return handle->ops.devmap_access && !test_bit(page, handle->space->loaded);
}

/*
 * Convert the return value of access() for a fault. If a signal interrupted it, the process
 * handles the signal and touches the page again. If the kernel touched the page in a system
 * call, that call fails instead.
 */
static vm_fault_t ddi_fault_result(int ret, const struct vm_fault *vmf)
{
	if (ret == EINTR && vmf->flags & FAULT_FLAG_USER)
		return VM_FAULT_NOPAGE;
	return ret ? VM_FAULT_SIGBUS : 0;
}

/*
 * Ask the driver before a page is touched. @telling is needed: munmap tells the driver of
 * unmapped pages while it holds mmap_lock for reading only, as a fault does.
 */
static vm_fault_t ddi_fault_ask(struct ddi_space *space, pgoff_t page,
				const struct vm_fault *vmf)
{
	int (*access)(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
		      uint_t type, uint_t rw) = NULL;
	uint_t rw = vmf->flags & FAULT_FLAG_WRITE ? DEVMAP_WRITE : DEVMAP_READ;
	struct ddi_segment *seg = space->seg;
	struct ddi_handle *handle;
	void *pvtp = NULL;
	int ret = 0;

	down_read(&space->telling);
	mutex_lock(&seg->lock);
	handle = ddi_space_handle_locked(space, page);
	if (handle && !handle->is_refused && ddi_fault_must_ask(handle, page)) {
		access = handle->ops.devmap_access;
		pvtp = handle->pvtp;
	}
	mutex_unlock(&seg->lock);
	if (access)
		ret = access(handle, pvtp, ddi_segment_offset(seg, page), PAGE_SIZE,
			     DEVMAP_ACCESS, rw);
	up_read(&space->telling);
	return ddi_fault_result(ret, vmf);
}

/* Returns 0 if the page was found, but somebody else has it locked. */
static vm_fault_t ddi_fault_try_page(struct ddi_space *space, pgoff_t page,
				     struct page **found)
{
	struct ddi_handle *handle = ddi_space_handle_locked(space, page);

	lockdep_assert_held(&space->seg->lock);
	if (!handle)
		return VM_FAULT_SIGBUS;
	if (handle->is_invalid || handle->is_refused)
		return VM_FAULT_SIGSEGV;
	/* The driver did not load it, or has unloaded it again: repeat the fault. */
	if (ddi_fault_must_ask(handle, page))
		return fatal_signal_pending(current) ? VM_FAULT_SIGBUS :
			VM_FAULT_NOPAGE;
	*found = xxshm_region_find_page(handle->region, ddi_handle_page(handle, page));
	if (*found && !xxshm_pages_trylock(xxshm_region_mapping(), *found))
		return 0;
	return *found ? VM_FAULT_LOCKED : VM_FAULT_SIGBUS;
}

static vm_fault_t ddi_fault_lock_page(struct ddi_space *space, pgoff_t page,
				      struct vm_fault *vmf)
{
	struct ddi_segment *seg = space->seg;
	struct page *found;
	vm_fault_t ret;

	do {
		mutex_lock(&seg->lock);
		ret = ddi_fault_try_page(space, page, &found);
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
 * ddi_fault() - find a page of a segment that is not plain
 * @map: the mapping of the segment
 * @vmf: the page fault
 *
 * Context: In a fault handler.
 * Return: VM_FAULT_LOCKED and the page; VM_FAULT_NOPAGE if the driver's access() did not
 * load it, or was interrupted, so that the process will touch it again; VM_FAULT_SIGSEGV
 * if the driver made it invalid; VM_FAULT_SIGBUS if access() failed, the page is broken,
 * or the process is being killed; the result of xxshm_fault_wait() if somebody else has
 * the page locked.
 */
vm_fault_t ddi_fault(struct xxshm_map *map, struct vm_fault *vmf)
{
	struct ddi_segment *seg = ddi_segment_of(map);
	struct ddi_space *space = ddi_space_find(seg, vmf->vma->vm_mm);
	pgoff_t page = vmf->pgoff - seg->map.index;
	vm_fault_t ret = 0;

	if (space->loaded)
		ret = ddi_fault_ask(space, page, vmf);
	return ret ?: ddi_fault_lock_page(space, page, vmf);
}
