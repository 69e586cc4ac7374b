/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_WINDOW_H
#define _XXSHM_WINDOW_H

#include <linux/types.h>

#include "fill.h"

struct xxshm_pages;

/**
 * struct xxshm_window - the part of a device that programs of one data model share
 * @fill: whether it has its pages
 * @first: index of the window's first page in the memory of its device; constant
 * @npages: size of the window; constant
 */
struct xxshm_window {
	struct xxshm_fill fill;
	pgoff_t first;
	pgoff_t npages;
};

void xxshm_window_init(struct xxshm_window *win, pgoff_t first, pgoff_t npages);
bool xxshm_window_is_populated(struct xxshm_window *win);
bool xxshm_window_is_small(const struct xxshm_window *win);
int xxshm_window_populate_at_once(struct xxshm_window *win, struct xxshm_pages *pages);
int xxshm_window_populate(struct xxshm_window *win, struct xxshm_pages *pages);

#endif /* _XXSHM_WINDOW_H */
