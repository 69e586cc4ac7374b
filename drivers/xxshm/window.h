/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_WINDOW_H
#define _XXSHM_WINDOW_H

#include <linux/mutex.h>
#include <linux/types.h>

struct xxshm_umem;

/**
 * struct xxshm_window - what the programs of one data model share
 * @lock: held while the window is populated, so that this happens once; nests
 *	inside mmap_lock, therefore never touch user memory under it
 * @populated: the window has its pages; set once, under @lock, and read
 *	without it, see xxshm_window_is_populated()
 * @first: index of the window's first page in the memory of its device; constant
 * @npages: size of the window; constant
 */
struct xxshm_window {
	struct mutex lock;	/* of populated */
	bool populated;
	pgoff_t first;
	pgoff_t npages;
};

void xxshm_window_init(struct xxshm_window *win, pgoff_t first, pgoff_t npages);
bool xxshm_window_is_populated(struct xxshm_window *win);
int xxshm_window_populate(struct xxshm_window *win, struct xxshm_umem *umem);

#endif /* _XXSHM_WINDOW_H */
