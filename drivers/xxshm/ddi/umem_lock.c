// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a program that a driver uses: ddi_umem_lock(9F), umem_lockmemory(9F).
 *
 * The pages are locked, not the addresses. On Solaris, a program that unmaps them or exits
 * waits until the driver unlocks them. On Linux it does not wait: the driver's cleanup
 * function, if there is one, is told.
 *
 * A worker calls the cleanup function: the kernel notifies us with locks held under which
 * the driver could not unlock.
 */
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <asm/barrier.h>

#include <xxshm/umem.h>

#include "../late.h"
#include "../memlock.h"
#include "../pin.h"
#include "cookie.h"

#define UMEM_LOCK_INTENT	(DDI_UMEMLOCK_READ | DDI_UMEMLOCK_WRITE)

/* The driver's knowledge of the cookie, and of the process's addresses. */
enum umem_lock_state {
	UMEM_LOCK_NEW,	/* the driver does not have it yet */
	UMEM_LOCK_WATCHED,
	UMEM_LOCK_GONE,	/* a part of the addresses has gone */
	UMEM_LOCK_TOLD,	/* the driver has been told */
	UMEM_LOCK_UNLOCKED,	/* by the driver: it is not told any more */
};

/**
 * struct ddi_umem_lock - memory that one call has locked
 * @cookie: without a region, so it cannot be exported
 * @pin: the pages
 * @cleanup: the driver's function, or NULL: then @state, @notifier and @telling are not
 *	used
 * @state: an enum umem_lock_state; only changed by atomic exchange
 * @notifier: notifies us of changes of the process's addresses
 * @telling: the work that calls @cleanup
 * @undoing: the work that unlocks the memory
 */
struct ddi_umem_lock {
	struct ddi_umem_cookie cookie;
	struct xxshm_pin pin;
	void (*cleanup)(ddi_umem_cookie_t *cookiep);
	int state;
	struct mmu_interval_notifier notifier;
	struct work_struct telling;
	struct work_struct undoing;
};

/* Held while a cookie is given to the driver. */
static DEFINE_MUTEX(umem_lock_publishing);

static struct ddi_umem_lock *umem_lock_of(struct ddi_umem_cookie *cookie)
{
	return container_of(cookie, struct ddi_umem_lock, cookie);
}

static void umem_lock_cleanup(struct work_struct *work)
{
	struct ddi_umem_lock *lock = container_of(work, struct ddi_umem_lock, telling);

	if (cmpxchg(&lock->state, UMEM_LOCK_GONE, UMEM_LOCK_TOLD) != UMEM_LOCK_GONE)
		return;
	/* Declared as a pointer to a cookie, but it is the cookie itself, as on Solaris. */
	lock->cleanup((ddi_umem_cookie_t *)&lock->cookie);
}

/* After other events the program still has its memory, though maybe not these pages. */
static bool umem_lock_invalidate(struct mmu_interval_notifier *notifier,
				 const struct mmu_notifier_range *range, unsigned long seq)
{
	struct ddi_umem_lock *lock = container_of(notifier, struct ddi_umem_lock, notifier);

	mmu_interval_set_seq(notifier, seq);
	if (range->event != MMU_NOTIFY_UNMAP && range->event != MMU_NOTIFY_RELEASE)
		return true;
	/* A concurrent umem_lock_publish() may move NEW to WATCHED between these two steps. */
	if (cmpxchg(&lock->state, UMEM_LOCK_NEW, UMEM_LOCK_GONE) != UMEM_LOCK_NEW &&
	    cmpxchg(&lock->state, UMEM_LOCK_WATCHED, UMEM_LOCK_GONE) == UMEM_LOCK_WATCHED)
		xxshm_late_queue(&lock->telling);
	return true;
}

static const struct mmu_interval_notifier_ops umem_lock_notifier_ops = {
	.invalidate	= umem_lock_invalidate,
};

static int umem_lock_watch(struct ddi_umem_lock *lock, unsigned long addr, size_t len)
{
	int err;

	if (!lock->cleanup)
		return 0;
	if (!current->mm || !len)
		return -EFAULT;
	INIT_WORK(&lock->telling, umem_lock_cleanup);
	err = mmu_interval_notifier_insert(&lock->notifier, current->mm, addr, len,
					   &umem_lock_notifier_ops);
	if (err)
		return err == -EOVERFLOW ? -EFAULT : err;
	/* If a change of the address space is under way, wait until it has ended. */
	mmu_interval_read_begin(&lock->notifier);
	return 0;
}

static void umem_lock_unwatch(struct ddi_umem_lock *lock)
{
	if (!lock->cleanup)
		return;
	mutex_lock(&umem_lock_publishing);
	mutex_unlock(&umem_lock_publishing);
	mmu_interval_notifier_remove(&lock->notifier);
	/*
	 * cleanup() itself may unlock: it must not wait for itself. It may also be the
	 * cleanup() of an older umem lock that had the same address as this one.
	 */
	if (current_work() == &lock->telling)
		cancel_work(&lock->telling);
	else
		cancel_work_sync(&lock->telling);
}

/*
 * From now on the driver may be told, and is told at once if the addresses have gone
 * already. It may also unlock: umem_lock_unwatch() waits until we are done here.
 */
static void umem_lock_publish(struct ddi_umem_lock *lock, ddi_umem_cookie_t *cookiep)
{
	if (!lock->cleanup) {
		/* A thread that reads the cookie without a lock sees it complete. */
		smp_store_release(cookiep, &lock->cookie);
		return;
	}
	mutex_lock(&umem_lock_publishing);
	/* Likewise. */
	smp_store_release(cookiep, &lock->cookie);
	if (cmpxchg(&lock->state, UMEM_LOCK_NEW, UMEM_LOCK_WATCHED) != UMEM_LOCK_NEW)
		xxshm_late_queue(&lock->telling);
	mutex_unlock(&umem_lock_publishing);
}

static int umem_lock_make(struct ddi_umem_lock *lock, unsigned long addr, size_t len, int flags,
			  ddi_umem_cookie_t *cookiep)
{
	int err;

	err = umem_lock_watch(lock, addr, len);
	if (err)
		return err;
	err = xxshm_pin_make(&lock->pin, addr, len >> PAGE_SHIFT,
			     flags & DDI_UMEMLOCK_WRITE);
	if (err)
		umem_lock_unwatch(lock);
	else
		umem_lock_publish(lock, cookiep);
	return err;
}

static void umem_lock_undo(struct work_struct *work)
{
	struct ddi_umem_lock *lock = container_of(work, struct ddi_umem_lock, undoing);

	umem_lock_unwatch(lock);
	xxshm_pin_undo(&lock->pin);
	kfree(lock);
}

static int umem_lock_memory(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep,
			    void (*cleanup)(ddi_umem_cookie_t *cookiep))
{
	struct ddi_umem_lock *lock;
	int err;

	if (!(flags & UMEM_LOCK_INTENT) || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(len))
		return EINVAL;
	lock = kzalloc(sizeof(*lock), MEMLOCK_GFP);
	if (!lock)
		return ENOMEM;
	lock->cleanup = cleanup;
	INIT_WORK(&lock->undoing, umem_lock_undo);
	err = umem_lock_make(lock, (unsigned long)addr, len, flags, cookiep);
	if (err)
		kfree(lock);
	/* In the core, the errno of the limit is that of mmap(2). */
	return err == -EAGAIN ? ENOMEM : -err;
}

/**
 * ddi_umem_lock() - lock memory of the calling process
 * @addr: its address in the process, page-aligned
 * @len: its length in bytes; whole pages
 * @flags: DDI_UMEMLOCK_READ: the driver reads it; DDI_UMEMLOCK_WRITE: the driver writes to
 *	it; or both
 * @cookiep: the cookie, which names the memory in other calls, is stored here; NULL on
 *	failure
 *
 * As ddi_umem_lock(9F). Each call is charged its whole length to the user of the process,
 * under RLIMIT_MEMLOCK of the process, even if the same pages have been locked before; see
 * resource_controls(7) of Solaris.
 *
 * Better than on Solaris: the process may unmap the memory, or exit, while it is locked.
 * The driver has the pages that were there when it locked them.
 *
 * Context: Process context, about current, may sleep. Takes its mmap_lock: not in
 * access(), dup() or unmap(), and not with a lock held that one of them takes.
 * Return: 0; EINVAL if @flags has another bit or none of these, if @addr or @len is not
 * aligned to pages, or if @cookiep is NULL; ENOMEM if the limit is exceeded or there is no
 * memory; EFAULT if a part of the range is not mapped, or cannot be locked; EACCES if the
 * process itself may not read, or write, a part of it; EINTR if it is being killed. After
 * a failure, nothing is locked or charged.
 */
int ddi_umem_lock(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep)
{
	if (!cookiep)
		return EINVAL;
	*cookiep = NULL;
	if (flags & ~UMEM_LOCK_INTENT)
		return EINVAL;
	return umem_lock_memory(addr, len, flags, cookiep, NULL);
}
EXPORT_SYMBOL_GPL(ddi_umem_lock);

/**
 * umem_lockmemory() - lock memory of the calling process, with a cleanup function
 * @addr: as for ddi_umem_lock()
 * @len: as for ddi_umem_lock()
 * @flags: as for ddi_umem_lock(); DDI_UMEMLOCK_LONGTERM may be added, and needs a cleanup
 *	function
 * @cookiep: as for ddi_umem_lock()
 * @ops: the cleanup function, or NULL; copied
 * @procp: NULL, or current
 *
 * A worker calls the cleanup function once, with the cookie, soon after the process unmaps
 * or moves a part of the memory, executes another program, or exits. It runs in process
 * context, without locks. It may run before this call has returned, but not before
 * *@cookiep is stored. The driver has to call ddi_umem_unlock(), in the cleanup function or
 * later: until then the pages are locked and charged.
 *
 * Better than on Solaris: changes of neighbouring memory do not count; the process does
 * not wait; and the cleanup function is not called any more when ddi_umem_unlock() has
 * returned.
 *
 * Context: As ddi_umem_lock().
 * Return: as ddi_umem_lock(). Also EINVAL if the version of @ops is not
 * UMEM_CALLBACK_VERSION, DDI_UMEMLOCK_LONGTERM comes without a cleanup function, or @procp
 * is another process; and with a cleanup function, EINTR if a signal is pending.
 */
int umem_lockmemory(caddr_t addr, size_t len, int flags, ddi_umem_cookie_t *cookiep,
		    struct umem_callback_ops *ops, proc_t *procp)
{
	void (*cleanup)(ddi_umem_cookie_t *cookiep) = NULL;

	if (!cookiep)
		return EINVAL;
	*cookiep = NULL;
	if (flags & ~(UMEM_LOCK_INTENT | DDI_UMEMLOCK_LONGTERM) ||
	    (procp && procp != current))
		return EINVAL;
	if (ops) {
		if (ops->cbo_umem_callback_version != UMEM_CALLBACK_VERSION)
			return EINVAL;
		cleanup = ops->cbo_umem_lock_cleanup;
	}
	if (flags & DDI_UMEMLOCK_LONGTERM && !cleanup)
		return EINVAL;
	return umem_lock_memory(addr, len, flags, cookiep, cleanup);
}
EXPORT_SYMBOL_GPL(umem_lockmemory);

/**
 * ddi_umem_pages() - the pages of locked memory
 * @cookie: from ddi_umem_lock() or umem_lockmemory()
 *
 * It replaces ddi_umem_iosetup(9F), which makes a buf(9S). Use the pages with
 * sg_alloc_table_from_pages(), kmap_local_page() and the like.
 *
 * Context: Any.
 * Return: an array of the pages, in the order of their addresses, valid until
 * ddi_umem_unlock(). NULL if @cookie is from ddi_umem_alloc(): that memory has a kernel
 * address.
 */
struct page **ddi_umem_pages(ddi_umem_cookie_t cookie)
{
	return cookie->region ? NULL : umem_lock_of(cookie)->pin.pages;
}
EXPORT_SYMBOL_GPL(ddi_umem_pages);

/**
 * ddi_umem_unlock() - unlock memory of a program
 * @cookie: from ddi_umem_lock() or umem_lockmemory(); invalid afterwards
 *
 * As ddi_umem_unlock(9F). The price is returned to its payer. From an interrupt, or with
 * interrupts off, a worker does all of this soon after.
 *
 * It waits for a cleanup function that is running, unless that function itself calls it.
 * So the driver must not hold a lock that its cleanup function takes. If a worker does it
 * later, this call does not wait, but no cleanup function begins after it.
 *
 * Context: Process context, may sleep; or an interrupt, or with interrupts off. Not NMI,
 * not under a spinlock, and not with preemption off alone.
 */
void ddi_umem_unlock(ddi_umem_cookie_t cookie)
{
	struct ddi_umem_lock *lock = umem_lock_of(cookie);

	/* Memory from ddi_umem_alloc(): a mistake of the driver. */
	if (WARN_ON_ONCE(cookie->region))
		return;
	xchg(&lock->state, UMEM_LOCK_UNLOCKED);
	xxshm_late_run(&lock->undoing);
}
EXPORT_SYMBOL_GPL(ddi_umem_unlock);
