// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes of ported drivers: what stands between the system calls of a program
 * and the entry points of a driver.
 *
 * Whoever has a node open, or mapped, holds the driver's module, so that a driver
 * that unregisters when it is unloaded has no files left.
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

/**
 * struct ddi_minor - a node
 * @device: its entry in the device tree; frees the whole when it is released
 * @driver: whose it is; constant
 * @opens: how many files of it are open
 * @totals: what is charged for its mappings
 */
struct ddi_minor {
	struct device device;
	const struct ddi_driver *driver;
	struct ddi_opens opens;
	struct xxshm_map_totals totals;
};

/**
 * struct ddi_file - one open(2) of a node
 * @driver: whose; constant
 * @minor: the node; constant
 * @maps: the mappings that were made through this file
 * @preps: the calls of mmap(2) that the driver is called for
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

/* Held from the check that names are free until they are taken. */
static DEFINE_MUTEX(driver_names);

/* The node's mode is devtmpfs' default, 0600: opening up is for udev rules. */
static struct class driver_class = {
	.name		= DRIVER_CLASS,
	.dev_groups	= driver_groups,
};

/*
 * The flags of a file as Solaris has them. On Linux, O_NDELAY is the same as
 * O_NONBLOCK; drivers look at either. The VFS clears O_EXCL when open(2) is
 * done.
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

/* A driver that answers with another device number has a clone in mind. */
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

/* No mapping made through the file is left: each held it. */
static int driver_close(struct inode *inode, struct file *file)
{
	struct ddi_file *df = file->private_data;
	int flag = driver_flag(file);

	/* A segment that was never mapped goes before the driver sees the close. */
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

/* Linux cannot return -1 to -4095 from a system call: these are errnos. */
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

/* "." and ".." lead elsewhere, and "//" is the same as "/". */
static bool driver_folder_is_sound(const char *name, size_t len)
{
	return len && !(len == 1 && name[0] == '.') &&
	       !(len == 2 && name[0] == '.' && name[1] == '.');
}

/*
 * "a/b" stands for /dev/a/b0, and so does "a!b". devtmpfs would follow ".." out
 * of its folder. A newline would begin a new line in /proc/devices.
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
	       !driver->node;
}

/* Device names have "!" for each "/". */
static bool driver_name_is_taken(const char *name, unsigned int minor)
{
	struct device *device;
	char full[32];

	if (snprintf(full, sizeof(full), "%s%u", name, minor) >= sizeof(full))
		return true;
	strreplace(full, '/', '!');
	device = class_find_device_by_name(&driver_class, full);
	put_device(device);
	return device;
}

/*
 * device_add() warns, with a stack trace, if the name is taken. All names are
 * looked at: the drivers "a" and "a1" may both have a node a10.
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
	err = driver_names_are_taken(driver) ? -EEXIST :
		xxshm_nodes_add(&driver->node->nodes);
	mutex_unlock(&driver_names);
	return err;
}

/**
 * __ddi_driver_register() - make the nodes of a driver
 * @driver: its name and entry points; stays where it is until unregistered
 * @owner: the driver's module
 *
 * It stands in for mod_install(9F) and ddi_create_minor_node(9F). Programs may
 * open the nodes before it returns, so it is the last thing that a driver does
 * when it is loaded.
 *
 * A "/" in the name makes a folder below /dev. The names of other subsystems
 * are not looked at: if /dev has such an entry already, the kernel makes no
 * node.
 *
 * Context: Process context, may sleep.
 * Return: 0, or as Linux has it in a module's init function: -EINVAL if the
 * name, devmap() or the number of minors, 1 to 256, is missing, the name has a
 * control character or a folder that is empty, "." or "..", or the driver is
 * registered already; -EEXIST if another driver of xxshm has a node of one of
 * its names, or a name has more than 31 characters with its number; -EBUSY if
 * no device numbers are left; -ENOMEM.
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
	/* The driver may be called as soon as the nodes are there. */
	driver->node = node;
	err = driver_add_nodes(driver);
	if (err) {
		driver->node = NULL;
		kfree(node);
	}
	return err;
}
EXPORT_SYMBOL_GPL(__ddi_driver_register);

/**
 * ddi_driver_unregister() - take the nodes of a driver away
 * @driver: as registered; nothing happens if it is not
 *
 * A driver that locks memory unlocks all of it first: nobody can open its nodes any
 * more when its module goes. No cleanup function, see umem_lockmemory(), runs then
 * when this returns.
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
 * ddi_driver_exit() - the opposite; no driver is left
 *
 * Context: Process context, may sleep.
 */
void ddi_driver_exit(void)
{
	class_unregister(&driver_class);
}
