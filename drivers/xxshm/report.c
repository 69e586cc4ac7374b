// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports for administrators: the attributes of a device in sysfs, and of an open file
 * in /proc/PID/fdinfo/FD. Sizes are in bytes. The names are part of the user contract,
 * see Documentation/ABI/testing/dev-xxshm.
 */
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/sysfs.h>
#include <linux/uidgid.h>

#include "device.h"
#include "memlock.h"
#include "pageable.h"
#include "report.h"
#include "totals.h"

static ssize_t window_size_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  xxshm_device_window_size(xxshm_device_of(dev)));
}
static DEVICE_ATTR_RO(window_size);

static ssize_t allocated_show(struct device *dev,
			      struct device_attribute *attr, char *buf)
{
	struct xxshm_device *xd = xxshm_device_of(dev);
	/* Pairs with the release in chardev_get_store_locked(). */
	const struct file *store = smp_load_acquire(&xd->store);
	unsigned int windows = xxshm_window_is_populated(&xd->lp64) +
			       xxshm_window_is_populated(&xd->ilp32);

	return sysfs_emit(buf, "%llu\n", store ? xxshm_pageable_bytes(store) :
			  windows * xxshm_device_window_size(xd));
}
static DEVICE_ATTR_RO(allocated);

static struct attribute *report_attrs[] = {
	&dev_attr_window_size.attr,
	&dev_attr_allocated.attr,
	NULL
};

static const struct attribute_group report_group = {
	.attrs = report_attrs,
};

const struct attribute_group *xxshm_report_groups[] = {
	&report_group,
	&xxshm_totals_group,
	NULL
};

static const char *report_allocated(struct xxshm_device *xd)
{
	bool lp64 = xxshm_window_is_populated(&xd->lp64);
	bool ilp32 = xxshm_window_is_populated(&xd->ilp32);

	if (lp64 && ilp32)
		return "lp64 ilp32";
	return lp64 ? "lp64" : ilp32 ? "ilp32" : "none";
}

static void report_map(struct seq_file *m, const struct xxshm_device *xd,
		       const struct xxshm_map *map)
{
	const struct xxshm_window *win = xxshm_device_window_at(xd, map->index);
	pgoff_t offset = map->index - win->first;
	kuid_t payer = xxshm_memlock_payer(&map->charge);

	lockdep_assert_held(&map->list->lock);
	seq_printf(m, "mapping:\tmodel=%s offset=%llu charged=%llu uid=%u\n",
		   win == &xd->lp64 ? "lp64" : "ilp32", (u64)offset << PAGE_SHIFT,
		   (u64)map->charge.npages << PAGE_SHIFT,
		   from_kuid_munged(seq_user_ns(m), payer));
}

/**
 * xxshm_report_fdinfo() - show an open file and its mappings
 * @m: the text goes there
 * @file: an open file of a device
 *
 * Context: In a show_fdinfo handler.
 */
void xxshm_report_fdinfo(struct seq_file *m, struct file *file)
{
	struct xxshm_file *xf = file->private_data;
	struct xxshm_map *map;

	seq_printf(m, "window_size:\t%llu\n", xxshm_device_window_size(xf->xd));
	seq_printf(m, "backing:\t%s\n", xf->door ? "pageable" : "locked");
	seq_printf(m, "allocated:\t%s\n", report_allocated(xf->xd));

	mutex_lock(&xf->maps.lock);
	seq_printf(m, "charged:\t%llu\n", (u64)xf->maps.charged << PAGE_SHIFT);
	hlist_for_each_entry(map, &xf->maps.maps, entry) {
		report_map(m, xf->xd, map);
		/* The rest is lost: seq_file calls again, with a larger buffer. */
		if (seq_has_overflowed(m))
			break;
	}
	mutex_unlock(&xf->maps.lock);
}
