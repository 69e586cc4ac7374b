// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes of ported drivers: system calls of programs become calls of a driver's entry
 * points.
 *
 * An open file or a mapping of a node holds the driver's module. So no file is left when
 * a driver unregisters in its exit function.
 */
#include <linux/compat.h>
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include <xxshm/driver.h>
#include <xxshm/model.h>

#include "../backport.h"
#include "../late.h"
#include "../map.h"
#include "../nodes.h"
#include "../prep.h"
#include "../region.h"
#include "../totals.h"
#include "driver.h"
#include "entry.h"
#include "mapping.h"
#include "opens.h"
#include "setup.h"

#define DRIVER_CLASS	"xxshm-driver"
#define MAX_MINORS	256
#define MAX_NAME	31	/* characters of a node's name, with its number */

/**
 * struct ddi_minor - a node
 * @device: its entry in the device tree; its release frees the structure
 * @driver: the driver; constant
 * @opens: the open files of the node
 * @totals: the charges for all its mappings
 */
struct ddi_minor {
	struct device device;
	const struct ddi_driver *driver;
	struct ddi_opens opens;
	struct xxshm_map_totals totals;
};

/**
 * struct ddi_file - one open(2) of a node
 * @driver: the driver; constant
 * @minor: the node; constant
 * @maps: the mappings that were made through this file
 * @preps: the calls of mmap(2) for which the driver is called
 */
struct ddi_file {
	const struct ddi_driver *driver;
	struct ddi_minor *minor;
	struct xxshm_map_list maps;
	struct xxshm_prep_list preps;
};

static const struct attribute_group *driver_groups[] = {
	&xxshm_totals_group,
	NULL
};

/* Held while names are checked and taken. */
static DEFINE_MUTEX(driver_names);

/* The node's mode is devtmpfs' default, 0600: opening up is for udev rules. */
static struct class driver_class = {
	.name		= DRIVER_CLASS,
	.dev_groups	= driver_groups,
};

/*
 * The flags of a file, with Solaris' values. On Linux, O_NDELAY and O_NONBLOCK are the same
 * flag, and drivers look at either. The VFS clears O_EXCL at the end of open(2).
 */
static int driver_flag(const struct file *file)
{
	unsigned int f_flags = READ_ONCE(file->f_flags);
	int flag = 0;

	if (file->f_mode & FMODE_READ)
		flag |= FREAD;
	if (file->f_mode & FMODE_WRITE)
		flag |= FWRITE;
	if (f_flags & O_NONBLOCK)
		flag |= FNDELAY | FNONBLOCK;
	if (f_flags & O_APPEND)
		flag |= FAPPEND;
	/* O_SYNC contains O_DSYNC on Linux. */
	if (f_flags & __O_SYNC)
		flag |= FSYNC;
	else if (f_flags & O_DSYNC)
		flag |= FDSYNC;
	if (f_flags & O_EXCL)
		flag |= FEXCL;
	return flag;
}

static void driver_call_close(struct ddi_minor *minor, int flag)
{
	const struct ddi_driver *driver = minor->driver;

	if (driver->close)
		driver->close(minor->device.devt, flag, OTYP_CHR, ddi_entry_cred());
	ddi_opens_closed(&minor->opens);
}

/* A driver that returns another device number wants a clone, which is refused. */
static int driver_call_open(const struct ddi_driver *driver, dev_t dev, int flag)
{
	dev_t asked = dev;
	int err;

	if (!driver->open)
		return 0;
	err = ddi_entry_errno(driver, DDI_ENTRY_OPEN,
			      driver->open(&dev, flag, OTYP_CHR, ddi_entry_cred()));
	if (err || dev == asked)
		return err;
	if (driver->close)
		driver->close(dev, flag, OTYP_CHR, ddi_entry_cred());
	return -ENXIO;
}

static int driver_open_minor(struct ddi_minor *minor, int flag)
{
	int err;

	err = ddi_opens_begin(&minor->opens);
	if (err)
		return err;
	err = driver_call_open(minor->driver, minor->device.devt, flag);
	if (!err)
		ddi_opens_succeed(&minor->opens);
	else if (ddi_opens_fail(&minor->opens))
		driver_call_close(minor, minor->opens.flag);
	return err;
}

static int driver_open(struct inode *inode, struct file *file)
{
	struct device *device = xxshm_nodes_device(inode);
	struct ddi_file *df = kmalloc(sizeof(*df), GFP_KERNEL_ACCOUNT);
	int err;

	if (!df)
		return -ENOMEM;
	df->minor = container_of(device, struct ddi_minor, device);
	df->driver = df->minor->driver;
	err = driver_open_minor(df->minor, driver_flag(file));
	if (err) {
		kfree(df);
		return err;
	}
	xxshm_map_list_init(&df->maps, sizeof(struct ddi_segment), &df->minor->totals);
	xxshm_prep_list_init(&df->preps);
	file->private_data = df;
	file->f_mapping = xxshm_region_mapping();
	xxshm_nodes_open(inode, 0);
	return 0;
}

/* All mappings through the file are gone, since each held it. */
static int driver_close(struct inode *inode, struct file *file)
{
	struct ddi_file *df = file->private_data;
	int flag = driver_flag(file);

	/* Segments that were never mapped are dropped before the driver sees the close. */
	xxshm_prep_list_destroy(&df->preps);
	if (ddi_opens_close(&df->minor->opens, flag))
		driver_call_close(df->minor, flag);
	xxshm_map_list_destroy(&df->maps);
	kfree(df);
	return 0;
}

static int driver_prepare(struct file *file, const struct xxshm_prep_call *call,
			  void **made)
{
	struct ddi_file *df = file->private_data;

	return ddi_setup_make(df->driver, df->minor->device.devt, &df->maps, call,
				 made);
}

static const struct xxshm_prep_ops driver_prep_ops = {
	.make	= driver_prepare,
	.drop	= ddi_setup_drop,
};

static int driver_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct ddi_file *df = file->private_data;
	void *made;
	int err;

	err = xxshm_map_check_kind(vma);
	if (err)
		return err;
	err = xxshm_prep_mmap(&df->preps, vma, &driver_prep_ops, &made);
	if (!err)
		ddi_setup_commit(made, vma);
	return err;
}

static unsigned long driver_get_unmapped_area(struct file *file, unsigned long addr,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags)
{
	struct ddi_file *df = file->private_data;

	return xxshm_prep_place(&df->preps, file, addr, len, pgoff, flags) ?:
		mm_get_unmapped_area(file, addr, len, pgoff, flags);
}

/* A Linux system call cannot return -1 to -4095: these values are errnos. */
static long driver_ioctl_value(const struct ddi_driver *driver, int value)
{
	if (!IS_ERR_VALUE((long)value))
		return value;
	ddi_entry_report(driver, DDI_ENTRY_IOCTL,
			 "set *rvalp to %d, which a program would take for an errno",
			 value);
	return -EOVERFLOW;
}

static long driver_call_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg, model_t model)
{
	struct ddi_file *df = file->private_data;
	int value = 0, err;

	if (!df->driver->ioctl)
		return -ENOTTY;
	err = df->driver->ioctl(df->minor->device.devt, cmd, arg,
				driver_flag(file) | model, ddi_entry_cred(), &value);
	err = ddi_entry_errno(df->driver, DDI_ENTRY_IOCTL, err);
	return err ?: driver_ioctl_value(df->driver, value);
}

static long driver_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return driver_call_ioctl(file, cmd, arg, DDI_MODEL_LP64);
}

static long driver_compat_ioctl(struct file *file, unsigned int cmd,
				unsigned long arg)
{
	return driver_call_ioctl(file, cmd, (unsigned long)compat_ptr(arg),
				 DDI_MODEL_ILP32);
}

static const struct file_operations driver_fops = {
	.owner		= THIS_MODULE,
	.open		= driver_open,
	.release	= driver_close,
	.mmap		= driver_mmap,
	.get_unmapped_area = driver_get_unmapped_area,
	.fsync		= noop_fsync,	/* or msync(2) fails */
	.unlocked_ioctl	= driver_ioctl,
	.compat_ioctl	= driver_compat_ioctl,
};

static void driver_release_minor(struct device *device)
{
	struct ddi_minor *minor = container_of(device, struct ddi_minor, device);

	kfree(minor);
}

static struct device *driver_make_minor(struct xxshm_nodes *nodes)
{
	struct ddi_driver_node *node =
		container_of(nodes, struct ddi_driver_node, nodes);
	struct ddi_minor *minor = kzalloc(sizeof(*minor), GFP_KERNEL);

	if (!minor)
		return ERR_PTR(-ENOMEM);
	minor->driver = node->driver;
	ddi_opens_init(&minor->opens);
	device_initialize(&minor->device);
	minor->device.release = driver_release_minor;
	dev_set_drvdata(&minor->device, &minor->totals);
	return &minor->device;
}

/* No folder may be empty, "." or "..". */
static bool driver_folder_is_sound(const char *name, size_t len)
{
	return len && !(len == 1 && name[0] == '.') &&
	       !(len == 2 && name[0] == '.' && name[1] == '.');
}

/*
 * "a/b" and "a!b" both name /dev/a/b0. devtmpfs would follow ".." out of its folder. A
 * newline would begin a new line in /proc/devices.
 */
static bool driver_name_is_sound(const char *name)
{
	const char *folder = name;

	for (; *name; name++) {
		if (iscntrl(*name))
			return false;
		if (*name != '/' && *name != '!')
			continue;
		if (!driver_folder_is_sound(folder, name - folder))
			return false;
		folder = name + 1;
	}
	return true;
}

static bool driver_is_valid(const struct ddi_driver *driver)
{
	return driver && driver->name && *driver->name &&
	       driver_name_is_sound(driver->name) && driver->devmap &&
	       driver->minors >= 1 && driver->minors <= MAX_MINORS &&
	       snprintf(NULL, 0, "%s%u", driver->name, driver->minors - 1) <= MAX_NAME &&
	       !driver->node;
}

/* In device names, "!" stands for "/". */
static bool driver_name_is_taken(const char *name, unsigned int minor)
{
	struct device *device;
	char full[MAX_NAME + 1];

	snprintf(full, sizeof(full), "%s%u", name, minor);
	strreplace(full, '/', '!');
	device = class_find_device_by_name(&driver_class, full);
	put_device(device);
	return device;
}

/*
 * device_add() warns, with a stack trace, if a name is taken. So check all names: the
 * drivers "a" and "a1" may both have a node a10.
 */
static bool driver_names_are_taken(const struct ddi_driver *driver)
{
	unsigned int minor;

	lockdep_assert_held(&driver_names);
	for (minor = 0; minor < driver->minors; minor++)
		if (driver_name_is_taken(driver->name, minor))
			return true;
	return false;
}

static int driver_add_nodes(struct ddi_driver *driver)
{
	int err;

	mutex_lock(&driver_names);
	err = driver_names_are_taken(driver) ? -EBUSY :
		xxshm_nodes_add(&driver->node->nodes);
	mutex_unlock(&driver_names);
	return err;
}

/**
 * __ddi_driver_register() - make the nodes of a driver
 * @driver: its name and entry points; must not move until it is unregistered
 * @owner: the driver's module
 *
 * It replaces mod_install(9F) and ddi_create_minor_node(9F). Programs may open the nodes
 * before it returns, so a driver calls it last when it is loaded.
 *
 * A "/" in the name makes a folder below /dev. The names of other subsystems are not
 * checked: if /dev has such an entry already, the kernel makes no node.
 *
 * Context: Process context, may sleep.
 * Return: 0, or as Linux has it in a module's init function: -EINVAL if the name, devmap()
 * or the number of minors, 1 to 256, is missing, the name has a control character, a
 * folder that is empty, "." or "..", or more than 31 characters with its number, or the
 * driver is registered already; -EBUSY if another driver of xxshm has a node of one of
 * its names, or no device numbers are left; -ENOMEM.
 */
int __ddi_driver_register(struct ddi_driver *driver, struct module *owner)
{
	struct ddi_driver_node *node;
	int err;

	if (!driver_is_valid(driver))
		return -EINVAL;
	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return -ENOMEM;
	node->driver = driver;
	node->nodes.name = driver->name;
	node->nodes.count = driver->minors;
	node->nodes.class = &driver_class;
	node->nodes.fops = &driver_fops;
	node->nodes.owner = owner;
	node->nodes.make = driver_make_minor;
	/* Programs may call the driver as soon as the nodes exist. */
	driver->node = node;
	err = driver_add_nodes(driver);
	/* If an init function returns EEXIST, modprobe(8) takes it for success. */
	if (err == -EEXIST)
		err = -EBUSY;
	if (err) {
		driver->node = NULL;
		kfree(node);
	}
	return err;
}
EXPORT_SYMBOL_GPL(__ddi_driver_register);

/**
 * ddi_driver_unregister() - remove the nodes of a driver
 * @driver: the driver; nothing happens if it is not registered
 *
 * The driver has to unlock all locked memory before. No cleanup function, see
 * umem_lockmemory(), runs any more when this returns.
 *
 * Context: Process context, may sleep; in the exit function of the driver's module.
 */
void ddi_driver_unregister(struct ddi_driver *driver)
{
	if (!driver->node)
		return;
	xxshm_nodes_del(&driver->node->nodes);
	xxshm_late_flush();
	kfree(driver->node);
	driver->node = NULL;
}
EXPORT_SYMBOL_GPL(ddi_driver_unregister);

/**
 * ddi_driver_init() - get ready for drivers
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EEXIST if a class of that name exists already.
 */
int __init ddi_driver_init(void)
{
	return class_register(&driver_class);
}

/**
 * ddi_driver_exit() - the opposite of ddi_driver_init(); no driver is left
 *
 * Context: Process context, may sleep.
 */
void ddi_driver_exit(void)
{
	class_unregister(&driver_class);
}
