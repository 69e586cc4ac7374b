/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_CHARDEV_H
#define _XXSHM_CHARDEV_H

#include <linux/types.h>

int xxshm_chardev_init(unsigned int instances, pgoff_t window_pages,
		       bool pageable);
void xxshm_chardev_exit(void);

#endif /* _XXSHM_CHARDEV_H */
