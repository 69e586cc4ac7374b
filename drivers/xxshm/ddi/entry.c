// SPDX-License-Identifier: GPL-2.0-only
/* The results of a driver's entry points, and messages about a broken contract. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/stdarg.h>

#include <xxshm/driver.h>

#include "entry.h"

static const char * const entry_names[] = {
	[DDI_ENTRY_OPEN]	= "open",
	[DDI_ENTRY_IOCTL]	= "ioctl",
	[DDI_ENTRY_SEGMAP]	= "segmap",
	[DDI_ENTRY_DEVMAP]	= "devmap",
};

static bool entry_is_reported(const struct ddi_driver *driver,
			      enum ddi_entry entry)
{
	return test_and_set_bit(entry, &driver->node->reported);
}

/**
 * ddi_entry_report() - log that a driver broke its contract
 * @driver: the driver
 * @entry: the entry point
 * @format: the text, as for printf(), after the name of the entry point
 *
 * While a driver is registered, only the first report of each entry point is logged: a
 * program that repeats a call cannot fill the log.
 *
 * Context: Any.
 */
void ddi_entry_report(const struct ddi_driver *driver, enum ddi_entry entry,
		      const char *format, ...)
{
	struct va_format what;
	va_list arguments;

	if (entry_is_reported(driver, entry))
		return;
	va_start(arguments, format);
	what.fmt = format;
	what.va = &arguments;
	pr_err("xxshm: %s() of driver %s %pV\n", entry_names[entry], driver->name, &what);
	va_end(arguments);
}

/**
 * ddi_entry_errno() - convert the return value of an entry point for Linux
 * @driver: the driver
 * @entry: the entry point
 * @ret: its return value
 *
 * The kernel uses the errnos from ERESTARTSYS (512) on internally. Programs do not know
 * them.
 *
 * Context: Any.
 * Return: 0; -@ret; -ENXIO if @ret is no errno, which is logged.
 */
int ddi_entry_errno(const struct ddi_driver *driver, enum ddi_entry entry, int ret)
{
	if (ret >= 0 && ret < ERESTARTSYS)
		return -ret;
	ddi_entry_report(driver, entry, "returned %d, which is no errno", ret);
	return -ENXIO;
}
