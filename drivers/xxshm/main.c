// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: the module's parameters, and the order in which the parts of
 * the module start and end. Parameters are read as text, so that a value that is no
 * number gets the same clear message as one out of range.
 *
 * Lock order: mmap_lock, then ddi_space.telling, then ddi_segment.lock or
 * xxshm_fill.lock, then pages_strangers, then the locks of pages and of the page cache.
 * driver_names and chardev_memory_lock are taken before all of these, and never
 * together. xxshm_map_list.lock, umem_lock_publishing, prep_list_lock and
 * ddi_opens.lock are leaves: no other lock of the module is taken inside them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "chardev.h"
#include "ddi/driver.h"
#include "late.h"
#include "pageable.h"
#include "pages.h"
#include "prep_list.h"
#include "region.h"

#define MAX_INSTANCES	256

static char *instances = "1";
module_param(instances, charp, 0444);
MODULE_PARM_DESC(instances,
		 "number of devices, 1 to " __stringify(MAX_INSTANCES) " (default 1)");

static char *size = "4096";
module_param(size, charp, 0444);
MODULE_PARM_DESC(size,
		 "bytes in a window, K, M or G may follow, rounded up to whole pages; each device has two windows (default 4096)");

static bool pageable;
module_param(pageable, bool, 0444);
MODULE_PARM_DESC(pageable,
		 "1: pages may be swapped and are allocated on first touch; 0 (default): locked in RAM");

/* Cut the suffix of a size off @text, and return by how many bits it shifts. */
static unsigned int __init main_cut_suffix(char *text)
{
	size_t len = strlen(text);
	unsigned int shift = 0;

	if (!len)
		return 0;
	switch (toupper(text[len - 1])) {
	case 'G':
		shift += 10;
		fallthrough;
	case 'M':
		shift += 10;
		fallthrough;
	case 'K':
		shift += 10;
		text[len - 1] = '\0';
	}
	return shift;
}

static int __init main_parse_bytes(const char *value, u64 *bytes)
{
	char text[24];
	unsigned int shift;
	int err;

	if (strscpy(text, value, sizeof(text)) < 0)
		return -EINVAL;
	shift = main_cut_suffix(text);
	err = kstrtou64(text, 0, bytes);
	if (err)
		return err;
	return check_shl_overflow(*bytes, shift, bytes) ? -ERANGE : 0;
}

static int __init main_read_instances(unsigned int *count)
{
	if (!kstrtouint(instances, 0, count) &&
	    *count >= 1 && *count <= MAX_INSTANCES)
		return 0;
	pr_err("instances=%.40s refused: give 1 to %d devices\n",
	       instances, MAX_INSTANCES);
	return -EINVAL;
}

/* A window that could never be allocated is refused when the module is loaded. */
static int __init main_read_size(pgoff_t *npages)
{
	pgoff_t max_pages = pageable ? XXSHM_PAGEABLE_MAX_PAGES : xxshm_pages_max();
	u64 bytes, max = (u64)max_pages << PAGE_SHIFT;

	if (!main_parse_bytes(size, &bytes) && bytes >= 1 && bytes <= max) {
		*npages = PAGE_ALIGN(bytes) >> PAGE_SHIFT;
		return 0;
	}
	pr_err("size=%.40s refused: give 1 to %llu bytes%s, K, M or G may follow\n",
	       size, max, pageable ? "" : " (7/8 of this machine's memory)");
	return -EINVAL;
}

static int __init main_start(unsigned int count, pgoff_t npages)
{
	int err;

	err = xxshm_pages_init();
	if (err)
		return err;
	err = xxshm_region_init();
	if (err)
		goto err_pages;
	err = xxshm_late_init();
	if (err)
		goto err_region;
	err = ddi_driver_init();
	if (err)
		goto err_late;
	err = xxshm_chardev_init(count, npages, pageable);
	if (err)
		goto err_ddi_driver;
	return 0;

err_ddi_driver:
	ddi_driver_exit();
err_late:
	xxshm_late_exit();
err_region:
	xxshm_region_exit();
err_pages:
	xxshm_pages_exit();
	return err;
}

static int __init xxshm_init(void)
{
	unsigned int count;
	pgoff_t npages;
	int err;

	err = main_read_instances(&count);
	if (err)
		return err;
	err = main_read_size(&npages);
	if (err)
		return err;
	err = main_start(count, npages);
	/* modprobe(8) takes EEXIST for success: the module would be loaded already. */
	return err == -EEXIST ? -EBUSY : err;
}
module_init(xxshm_init);

static void __exit xxshm_exit(void)
{
	xxshm_chardev_exit();
	ddi_driver_exit();
	xxshm_late_exit();
	xxshm_prep_list_exit();
	xxshm_region_exit();
	xxshm_pages_exit();
}
module_exit(xxshm_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The xxshm authors");
MODULE_DESCRIPTION("Kernel memory shared by mmap, a window for each data model");
MODULE_VERSION("0.1.0");
