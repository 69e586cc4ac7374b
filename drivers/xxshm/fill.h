/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_FILL_H
#define _XXSHM_FILL_H

#include <linux/mutex.h>
#include <linux/types.h>

/**
 * struct xxshm_fill - a range that gets all its pages once, when it is first needed
 * @lock: of @fillers, for single steps; the owner takes it for single pages, too.
 *	Nests inside mmap_lock, outside of the locks of the page cache; nobody charges
 *	a memory cgroup with it held in a way that may wait
 * @is_full: the range has its pages; set once, under @lock, and read without it, see
 *	xxshm_fill_is_full()
 * @fillers: how many tasks are at work
 */
struct xxshm_fill {
	struct mutex lock;	/* of is_full, fillers */
	bool is_full;
	unsigned int fillers;
};

/**
 * struct xxshm_fill_ops - how the owner of a range fills it
 * @fill: add the pages that are missing; others may do the same meanwhile, so a page
 *	that another one has added is no failure. @may_wait: wait for memory of the
 *	cgroup of current, if need be. 0 if all pages are there, or a negative errno
 * @empty: nobody fills the range any more, and some pages are missing. Take away what
 *	is there, in small steps, each within xxshm_fill_lock_idle(). Or NULL: they stay
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
