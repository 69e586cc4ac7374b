// SPDX-License-Identifier: GPL-2.0-only
/*
 * The charges for all mappings of a node, in sysfs. Both faces show them. The names are
 * part of the user contract, see Documentation/ABI/testing/dev-xxshm.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "map.h"
#include "totals.h"

static ssize_t charged_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct xxshm_map_totals *totals = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n",
			  (u64)atomic_long_read(&totals->charged) << PAGE_SHIFT);
}
static DEVICE_ATTR_RO(charged);

static ssize_t refused_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct xxshm_map_totals *totals = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%lu\n", atomic_long_read(&totals->refused));
}
static DEVICE_ATTR_RO(refused);

static struct attribute *totals_attrs[] = {
	&dev_attr_charged.attr,
	&dev_attr_refused.attr,
	NULL
};

const struct attribute_group xxshm_totals_group = {
	.attrs = totals_attrs,
};
