// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a program that a driver uses: ddi_umem_lock(9F), umem_lockmemory(9F).
 *
 * What is locked are the pages. Where Solaris makes the program wait that unmaps
 * them, or exits, until the driver unlocks them, Linux lets it go; the driver is told
 * of it by its cleanup function, if it has given one.
 *
 * The cleanup function is called by a worker: what the kernel tells us of an address
 * space, it tells with locks held under which the driver could not unlock.
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

/* Who knows of the cookie, and of the process's addresses. */
enum umem_lock_state {
	UMEM_LOCK_NEW,	/* the driver does not have it yet */
	UMEM_LOCK_WATCHED,
	UMEM_LOCK_GONE,	/* some of the addresses are not there any more */
	UMEM_LOCK_TOLD,	/* the driver has been told so */
	UMEM_LOCK_UNLOCKED,	/* by the driver: it is not told any more */
};

/**
 * struct ddi_umem_lock - what one call has locked
 * @cookie: of no memory of ours; it cannot be exported
 * @pin: the pages
 * @cleanup: the driver's function, or NULL: then the three that follow are not used
 * @state: an enum umem_lock_state; only exchanged
 * @notifier: tells us of the process's addresses
 * @telling: calls @cleanup
 * @undoing: undoes the whole
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

/* Held by who gives the cookie of a lock to the driver. */
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
	/* Declared as a pointer to it, but it is the cookie itself. */
	lock->cleanup((ddi_umem_cookie_t *)&lock->cookie);
}

/* Other events leave the program its memory, if not these pages. */
static bool umem_lock_invalidate(struct mmu_interval_notifier *notifier,
				 const struct mmu_notifier_range *range, unsigned long seq)
{
	struct ddi_umem_lock *lock = container_of(notifier, struct ddi_umem_lock, notifier);

	mmu_interval_set_seq(notifier, seq);
	if (range->event != MMU_NOTIFY_UNMAP && range->event != MMU_NOTIFY_RELEASE)
		return true;
	/* In this order: who publishes it meanwhile leads from the first to the second. */
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
	/* While others change the address space, it may be told only after they have. */
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
	 * cleanup() itself may be who unlocks, and it may be that of a lock that is gone
	 * and was where this one is.
	 */
	if (current_work() == &lock->telling)
		cancel_work(&lock->telling);
	else
		cancel_work_sync(&lock->telling);
}

/*
 * From now on the driver may be told, if it is not to be told already; and it may
 * unlock: who does waits until we need the lock no more.
 */
static void umem_lock_publish(struct ddi_umem_lock *lock, ddi_umem_cookie_t *cookiep)
{
	if (!lock->cleanup) {
		/* Who reads it without a lock finds it complete. */
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
	/* The limit's errno is that of mmap(2) in the core. */
	return err == -EAGAIN ? ENOMEM : -err;
}

/**
 * ddi_umem_lock() - lock memory of the calling process
 * @addr: its address there, page-aligned
 * @len: how much, in bytes; whole pages
 * @flags: DDI_UMEMLOCK_READ: the driver reads it, DDI_UMEMLOCK_WRITE: it writes to
 *	it, or both
 * @cookiep: what stands for it in other calls is stored here; NULL on failure
 *
 * As ddi_umem_lock(9F). Each call is paid for with the whole of its length, under
 * RLIMIT_MEMLOCK of the process and from its user's account, whoever has locked the
 * same pages before; see resource_controls(7) of Solaris.
 *
 * Linux does better: the process may unmap the memory, and exit, while it is locked.
 * The driver has the pages that were there when it locked them.
 *
 * Context: Process context, about current, may sleep. Takes its mmap_lock: not in
 * access(), dup() or unmap(), and not with a lock held that one of them takes.
 * Return: 0; EINVAL if @flags has another bit or none of these, @addr or @len is not
 * that of whole pages, or @cookiep is NULL; ENOMEM if the limit is exceeded or there is
 * no memory; EFAULT if there is not memory everywhere, or some that cannot be locked;
 * EACCES if the process itself may not read, or write, some of it; EINTR if it is
 * being killed. After a failure, nothing is locked or charged.
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
 * umem_lockmemory() - lock memory of the calling process, and hear of its end
 * @addr: as for ddi_umem_lock()
 * @len: as for ddi_umem_lock()
 * @flags: as for ddi_umem_lock(); DDI_UMEMLOCK_LONGTERM may be added, and needs a
 *	cleanup function
 * @cookiep: as for ddi_umem_lock()
 * @ops: the cleanup function, or NULL; copied
 * @procp: NULL, or current
 *
 * The cleanup function is called once, with the cookie, when the process unmaps or
 * moves some of the memory, executes another program, or exits: soon after, by a
 * worker, in process context and without locks. It may be called before this call has
 * returned, but not before *@cookiep is stored. The driver has to call
 * ddi_umem_unlock(), in it or later: until then the pages are locked and charged.
 *
 * Linux does better: only what happens to the memory itself counts, not to its
 * neighbours; the process does not wait; and a cleanup function is not called any
 * more when ddi_umem_unlock() has returned.
 *
 * Context: As ddi_umem_lock().
 * Return: as ddi_umem_lock(); EINVAL, too, if the version of @ops is not
 * UMEM_CALLBACK_VERSION, DDI_UMEMLOCK_LONGTERM comes without a cleanup function, or
 * @procp is another process; with a cleanup function, EINTR if a signal is pending.
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
 * It stands in for ddi_umem_iosetup(9F), which makes a buf(9S): for
 * sg_alloc_table_from_pages(), kmap_local_page() and the like.
 *
 * Context: Any.
 * Return: an array of its pages, one for each of the process; it is there until
 * ddi_umem_unlock(). NULL if @cookie is of ddi_umem_alloc(): that has an address.
 */
struct page **ddi_umem_pages(ddi_umem_cookie_t cookie)
{
	return cookie->region ? NULL : umem_lock_of(cookie)->pin.pages;
}
EXPORT_SYMBOL_GPL(ddi_umem_pages);

/**
 * ddi_umem_unlock() - the driver needs locked memory no more
 * @cookie: from ddi_umem_lock() or umem_lockmemory(); not used again
 *
 * As ddi_umem_unlock(9F). The price is returned to who paid it. From an interrupt, or
 * with interrupts off, all of this happens soon after.
 *
 * It waits for a cleanup function that runs meanwhile, unless that is what calls it,
 * so the driver must not hold a lock that its cleanup function takes. Where all of it
 * happens later, it does not wait, but no cleanup function begins after it.
 *
 * Context: Process context, may sleep; or an interrupt, or with interrupts off. Not NMI,
 * nor under a spinlock or with preemption off alone.
 */
void ddi_umem_unlock(ddi_umem_cookie_t cookie)
{
	struct ddi_umem_lock *lock = umem_lock_of(cookie);

	/* Memory of ddi_umem_alloc(): a mistake of the driver. */
	if (WARN_ON_ONCE(cookie->region))
		return;
	xchg(&lock->state, UMEM_LOCK_UNLOCKED);
	xxshm_late_run(&lock->undoing);
}
EXPORT_SYMBOL_GPL(ddi_umem_unlock);
