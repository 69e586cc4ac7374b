/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_CHARDEV_H
#define _XXSHM_CHARDEV_H

#include <linux/types.h>

/*
 * Lock order: mmap_lock, then xxshm_fill.lock or xxshm_map_list.lock, never
 * both, then the locks of the page cache. A device gets its memory object under a lock
 * of its own, outside of them all.
 */

int xxshm_chardev_init(unsigned int instances, pgoff_t window_pages,
		       bool pageable);
void xxshm_chardev_exit(void);

#endif /* _XXSHM_CHARDEV_H */
