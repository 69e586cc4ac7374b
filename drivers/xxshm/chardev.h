/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_CHARDEV_H
#define _XXSHM_CHARDEV_H

#include <linux/types.h>

/* Lock order: mmap_lock, xxshm_window.lock, then the page cache's own locks. */

int xxshm_chardev_init(unsigned int instances, pgoff_t window_pages);
void xxshm_chardev_exit(void);

#endif /* _XXSHM_CHARDEV_H */
