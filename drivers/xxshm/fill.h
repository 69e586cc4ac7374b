/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_FILL_H
#define _XXSHM_FILL_H

#include <linux/mutex.h>
#include <linux/types.h>

/**
 * struct xxshm_fill - a range that gets all its pages once, when it is first needed
 * @lock: protects @is_full and @fillers; held for single steps. The owner holds it for
 *	single pages, too. No charge to a memory cgroup may wait while it is held. Its
 *	place in the order of locks: see main.c
 * @is_full: the range has its pages; set once, under @lock, and read without it, see
 *	xxshm_fill_is_full()
 * @fillers: number of tasks that are filling the range
 */
struct xxshm_fill {
	struct mutex lock;	/* of is_full, fillers */
	bool is_full;
	unsigned int fillers;
};

/**
 * struct xxshm_fill_ops - how the owner of a range fills it
 * @fill: add the missing pages. Other tasks may do the same meanwhile, so a page that
 *	another task has added is no failure. @may_wait: the call may wait for memory
 *	of the cgroup of current. Returns 0 if all pages are there, or a negative errno
 * @empty: nobody fills the range any more, and some pages are missing. Remove the pages
 *	in small steps, each within xxshm_fill_lock_idle(). NULL: the pages stay
 *
 * Context: process context, may sleep; no lock of the range is held.
 */
struct xxshm_fill_ops {
	int (*fill)(struct xxshm_fill *fill, void *owner, bool may_wait);
	void (*empty)(struct xxshm_fill *fill, void *owner);
};

void xxshm_fill_init(struct xxshm_fill *fill);
void xxshm_fill_destroy(struct xxshm_fill *fill);
bool xxshm_fill_is_full(struct xxshm_fill *fill);

int xxshm_fill_at_once(struct xxshm_fill *fill, const struct xxshm_fill_ops *ops,
		       void *owner);
int xxshm_fill_up(struct xxshm_fill *fill, const struct xxshm_fill_ops *ops,
		  void *owner);

bool xxshm_fill_lock_idle(struct xxshm_fill *fill);

#endif /* _XXSHM_FILL_H */
