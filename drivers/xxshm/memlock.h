/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_MEMLOCK_H
#define _XXSHM_MEMLOCK_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct user_struct;

/*
 * For small objects that a call needs beside the pages that it pays for. A process at
 * the limit of its memory cgroup gets ENOMEM, and is not killed.
 */
#define MEMLOCK_GFP	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * struct xxshm_charge - the price of one call, and its payer
 * @user: the payer, with a reference; constant while charged
 * @npages: the price, in pages; constant while charged
 *
 * It is part of the object that the call made, and is returned when that object is
 * freed. It does not record whether a privileged caller exceeded the limit: the ledger
 * has those pages like all others.
 */
struct xxshm_charge {
	struct user_struct *user;
	unsigned long npages;
};

/**
 * xxshm_memlock_fits() - do more pages fit under a limit?
 * @used: pages that are locked already; may exceed the limit
 * @npages: pages to be locked
 * @limit: the limit, in pages
 *
 * The sum may reach the limit, as for project.max-locked-memory, see
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
