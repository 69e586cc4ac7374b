/* SPDX-License-Identifier: GPL-2.0-only */
/* A device and an open file of it: chardev.c makes them, report.c shows them. */
#ifndef _XXSHM_DEVICE_H
#define _XXSHM_DEVICE_H

#include <linux/device.h>
#include <linux/types.h>

#include "map.h"
#include "prep.h"
#include "window.h"

struct file;
struct xxshm_pages;

/**
 * struct xxshm_device - one /dev/xxshmN
 * @dev: its entry in the device tree; its release frees the structure
 * @pages: the memory object of both windows, if it is locked; set by the first open,
 *	then constant
 * @store: the same, if the memory is pageable
 * @lp64: the window of 64-bit callers
 * @ilp32: the window of 32-bit callers
 * @totals: the charges for all its mappings
 *
 * It lives from loading to unloading. An open file holds the module.
 */
struct xxshm_device {
	struct device dev;
	struct xxshm_pages *pages;
	struct file *store;
	struct xxshm_window lp64;
	struct xxshm_window ilp32;
	struct xxshm_map_totals totals;
};

/**
 * struct xxshm_file - one open(2) of a device
 * @xd: the device
 * @door: if the memory is pageable, the file that is mapped instead of this one; else
 *	NULL
 * @maps: the mappings of locked memory that were made through this file
 * @preps: the calls that wait for a window to be filled
 *
 * It lives as long as the mapped file, which each mapping holds.
 */
struct xxshm_file {
	struct xxshm_device *xd;
	struct file *door;
	struct xxshm_map_list maps;
	struct xxshm_prep_list preps;
};

static inline struct xxshm_device *xxshm_device_of(struct device *dev)
{
	return container_of(dev, struct xxshm_device, dev);
}

/* The window of a caller; @compat is the value of in_compat_syscall(). */
static inline struct xxshm_window *
xxshm_device_window(struct xxshm_device *xd, bool compat)
{
	return compat ? &xd->ilp32 : &xd->lp64;
}

/* The window that contains an index of the memory object. */
static inline const struct xxshm_window *
xxshm_device_window_at(const struct xxshm_device *xd, pgoff_t index)
{
	return index < xd->ilp32.first ? &xd->lp64 : &xd->ilp32;
}

/* Both windows of a device have this size. */
static inline u64 xxshm_device_window_size(const struct xxshm_device *xd)
{
	return (u64)xd->lp64.npages << PAGE_SHIFT;
}

#endif /* _XXSHM_DEVICE_H */
