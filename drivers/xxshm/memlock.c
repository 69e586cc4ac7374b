// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charges for locked memory. This is the only file that knows RLIMIT_MEMLOCK.
 *
 * The rule is the imprecise full price of Solaris' project.max-locked-memory. Each call
 * that gets locked memory pays for all the pages it asked for, even if others, or the
 * same caller, have paid for the same pages before. The whole price is returned at
 * once, when the last piece of the call's mapping is gone.
 *
 * Vocabulary: the payer is the real user of the calling process, as the initial user
 * namespace knows it. The ledger is the payer's user_struct.locked_vm, in pages.
 * io_uring, XDP and memfd_secret write to the same ledger, so a user gains nothing by
 * mixing them. The limit is that of the calling process.
 *
 * Invariants: the ledger always equals the sum of all charges. A charge is returned to
 * its payer, never to current: current may be another process, a worker, or run as
 * another user by then.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/user_namespace.h>

#include "memlock.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Root of a user namespace is not privileged here. No audit: reaching a limit is no
 * attempt to get around it.
 */
static bool memlock_may_exceed_limit(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK);
}

/**
 * xxshm_memlock_charge() - pay for locked memory
 * @charge: filled in on success
 * @npages: the price: the number of pages that the caller asked for
 *
 * Charge before you allocate anything. CAP_IPC_LOCK lifts the limit, not the price.
 * The rule is that of ddi_umem_lock(9F) and resource_controls(7).
 *
 * Context: Process context, about current. Does not sleep.
 * Return: 0; -EAGAIN if the pages do not fit under RLIMIT_MEMLOCK and current
 * has no CAP_IPC_LOCK, as mmap(2) has it. After a failure nothing has changed.
 */
int xxshm_memlock_charge(struct xxshm_charge *charge, unsigned long npages)
{
	struct user_struct *user = current_user();
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long used = atomic_long_read(&user->locked_vm);

	/* Test and add in one step: otherwise racing callers could exceed the limit. */
	do {
		if (!xxshm_memlock_fits(used, npages, limit) &&
		    !memlock_may_exceed_limit()) {
			trace_xxshm_refuse(user, npages, used, limit);
			return -EAGAIN;
		}
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &used,
					  used + npages));
	trace_xxshm_charge(user, npages, used + npages, limit);
	charge->user = get_uid(user);
	charge->npages = npages;
	return 0;
}

/**
 * xxshm_memlock_uncharge() - return a charge to its payer
 * @charge: as xxshm_memlock_charge() filled it in
 *
 * Context: Any process context, about any process. Does not sleep.
 */
void xxshm_memlock_uncharge(struct xxshm_charge *charge)
{
	long used = atomic_long_sub_return(charge->npages,
					   &charge->user->locked_vm);

	trace_xxshm_uncharge(charge->user, charge->npages, used);
	free_uid(charge->user);
}

/**
 * xxshm_memlock_payer() - the payer of a charge
 * @charge: as xxshm_memlock_charge() filled it in
 *
 * Context: Any.
 * Return: the payer's user ID.
 */
kuid_t xxshm_memlock_payer(const struct xxshm_charge *charge)
{
	return charge->user->uid;
}

/**
 * xxshm_memlock_used() - read the ledger of the calling user
 *
 * Context: Process context, about current. Does not sleep.
 * Return: pages charged to the user of current, by all parts of the kernel.
 */
unsigned long xxshm_memlock_used(void)
{
	return atomic_long_read(&current_user()->locked_vm);
}
