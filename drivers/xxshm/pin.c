// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a process that a driver uses. They are pinned, so that they neither move nor
 * go away, and they are charged as locked memory.
 *
 * The process may unmap its addresses meanwhile, and exit. The driver has the pages, not
 * the addresses.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "backport.h"
#include "pin.h"

/* Pages are pinned with interrupts off, at most this many at a time. */
#define PIN_BATCH	1024UL

/*
 * Is memory mapped everywhere, and may the process itself access it this way? The first
 * obstacle gives the errno. Older kernels do not test this when they pin, see backport.h.
 */
static int pin_check(unsigned long addr, unsigned long end, bool writable)
{
	VMA_ITERATOR(vmi, current->mm, addr);
	struct vm_area_struct *vma;
	int err = 0;

	mmap_read_lock(current->mm);
	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > addr)
			break;
		if (!(vma->vm_flags & (writable ? VM_WRITE : VM_READ))) {
			err = -EACCES;
			break;
		}
		addr = vma->vm_end;
	}
	mmap_read_unlock(current->mm);
	return err ?: addr < end ? -EFAULT : 0;
}

static void pin_unpin(struct xxshm_pin *pin, unsigned long npages)
{
	unsigned long at, batch;

	for (at = 0; at < npages; at += batch) {
		batch = min(npages - at, PIN_BATCH);
		unpin_user_pages_dirty_lock(pin->pages + at, batch, pin->is_writable);
		cond_resched();
	}
	kvfree(pin->pages);
}

/* The process may have exited when the pages are unpinned: keep its counter until then. */
static void pin_count(struct xxshm_pin *pin)
{
	pin->mm = current->mm;
	mmgrab(pin->mm);
	atomic64_add(pin->npages, &pin->mm->pinned_vm);
}

static void pin_uncount(struct xxshm_pin *pin)
{
	atomic64_sub(pin->npages, &pin->mm->pinned_vm);
	mmdrop(pin->mm);
}

static int pin_batch(unsigned long addr, unsigned long npages, bool writable,
		     struct page **pages)
{
	int batch = min(npages, PIN_BATCH);

	if (writable)
		return pin_user_pages_fast(addr, batch, FOLL_LONGTERM | FOLL_WRITE,
					   pages);
	return pin_user_pages_to_read(addr, batch, pages);
}

/* Some device memory cannot be pinned: EFAULT. A task that stops waiting is being killed. */
static int pin_error(int got)
{
	return !got || got == -EOPNOTSUPP || got == -EBUSY ? -EFAULT :
		got == -EAGAIN ? -EINTR : got;
}

static int pin_all(struct xxshm_pin *pin, unsigned long addr)
{
	unsigned long at = 0;
	int got;

	while (at < pin->npages) {
		if (fatal_signal_pending(current))
			got = -EINTR;
		else
			got = pin_batch(addr + (at << PAGE_SHIFT), pin->npages - at,
					pin->is_writable, pin->pages + at);
		if (got <= 0) {
			pin_unpin(pin, at);
			return pin_error(got);
		}
		at += got;
		cond_resched();
	}
	return 0;
}

/**
 * xxshm_pin_make() - pin pages of the calling process
 * @pin: filled in on success
 * @addr: address of the first page
 * @npages: number of pages
 * @writable: the caller is going to write to the pages
 *
 * All pages are charged before one is pinned, even if they have been charged before.
 * VmPin in /proc/PID/status counts them until xxshm_pin_undo().
 *
 * Context: Process context, about current, may sleep; takes its mmap_lock.
 * Return: 0; -EAGAIN if the user of current may not lock so much, see
 * xxshm_memlock_charge(); -EFAULT if a part of the range is not mapped, or cannot be
 * pinned; -EACCES if current itself may not read, or write, a part of it; -EINTR if
 * current is being killed; -ENOMEM. On failure nothing has changed.
 */
int xxshm_pin_make(struct xxshm_pin *pin, unsigned long addr, unsigned long npages,
		   bool writable)
{
	unsigned long end;
	int err;

	err = xxshm_memlock_charge(&pin->charge, npages);
	if (err)
		return err;
	err = -EFAULT;
	if (!npages || !current->mm ||
	    check_add_overflow(addr, npages << PAGE_SHIFT, &end))
		goto err_charge;
	err = pin_check(addr, end, writable);
	if (err)
		goto err_charge;
	pin->npages = npages;
	pin->is_writable = writable;
	pin->pages = kvmalloc_array(npages, sizeof(*pin->pages), MEMLOCK_GFP);
	err = -ENOMEM;
	if (!pin->pages)
		goto err_charge;
	err = pin_all(pin, addr);
	if (err)
		goto err_charge;
	pin_count(pin);
	return 0;

err_charge:
	xxshm_memlock_uncharge(&pin->charge);
	return err;
}

/**
 * xxshm_pin_undo() - unpin pages and return their price
 * @pin: as xxshm_pin_make() filled it in
 *
 * Context: Process context, about any process, may sleep.
 */
void xxshm_pin_undo(struct xxshm_pin *pin)
{
	pin_unpin(pin, pin->npages);
	pin_uncount(pin);
	xxshm_memlock_uncharge(&pin->charge);
}
