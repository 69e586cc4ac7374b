/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_MEMLOCK_H
#define _XXSHM_MEMLOCK_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct user_struct;

/*
 * For what a call needs beside the pages that it pays for: a process at the limit of
 * its memory cgroup gets ENOMEM, and is not killed.
 */
#define MEMLOCK_GFP	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * struct xxshm_charge - what one call has paid for, and who
 * @user: the payer, with a reference; constant while charged
 * @npages: the price, in pages; constant while charged
 *
 * It is part of the object that the call made, and returned when that goes.
 * That a privileged caller went beyond its limit need not be remembered: its
 * pages are in the ledger like all others.
 */
struct xxshm_charge {
	struct user_struct *user;
	unsigned long npages;
};

/**
 * xxshm_memlock_fits() - may so many pages more be locked under a limit?
 * @used: pages locked already; may be beyond the limit
 * @npages: pages to be locked
 * @limit: the limit, in pages
 *
 * Up to the limit is allowed, as for project.max-locked-memory, see
 * resource_controls(7) of Solaris. No sum is formed that could overflow.
 *
 * Context: Any.
 * Return: true if they fit.
 */
static inline bool xxshm_memlock_fits(unsigned long used, unsigned long npages,
				      unsigned long limit)
{
	return npages <= limit && used <= limit - npages;
}

int xxshm_memlock_charge(struct xxshm_charge *charge, unsigned long npages);
void xxshm_memlock_uncharge(struct xxshm_charge *charge);

kuid_t xxshm_memlock_payer(const struct xxshm_charge *charge);
unsigned long xxshm_memlock_used(void);

#endif /* _XXSHM_MEMLOCK_H */
