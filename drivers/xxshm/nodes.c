// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes that appear all at once. Nobody can open a node before the last step
 * that can fail: an open file does not keep a module whose loading fails.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kobject.h>
#include <linux/magic.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "nodes.h"

/* The nodes of each major number. All nodes of one name have their own. */
static DEFINE_XARRAY(nodes_by_major);

static int nodes_add_one(struct xxshm_nodes *nodes)
{
	unsigned int minor = nodes->added;
	struct device *dev = nodes->make(nodes);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev->class = nodes->class;
	dev->devt = nodes->first + minor;
	dev_set_uevent_suppress(dev, true);
	/* No power to manage. Its files in sysfs would take more memory than all others. */
	device_set_pm_not_required(dev);
	err = dev_set_name(dev, "%s%u", nodes->name, minor);
	if (!err)
		err = device_add(dev);
	if (err) {
		put_device(dev);
		return err;
	}
	nodes->devices[minor] = dev;
	nodes->added++;
	return 0;
}

static void nodes_del_all(struct xxshm_nodes *nodes)
{
	while (nodes->added)
		device_unregister(nodes->devices[--nodes->added]);
	kfree(nodes->devices);
}

static int nodes_add_all(struct xxshm_nodes *nodes)
{
	int err;

	nodes->devices = kcalloc(nodes->count, sizeof(*nodes->devices),
				 GFP_KERNEL);
	if (!nodes->devices)
		return -ENOMEM;
	while (nodes->added < nodes->count) {
		err = nodes_add_one(nodes);
		if (err) {
			nodes_del_all(nodes);
			return err;
		}
	}
	return 0;
}

/* From here on programs can open the nodes. */
static int nodes_publish(struct xxshm_nodes *nodes)
{
	int err;

	nodes->cdev = cdev_alloc();
	if (!nodes->cdev)
		return -ENOMEM;
	nodes->cdev->ops = nodes->fops;
	nodes->cdev->owner = nodes->owner;
	err = cdev_add(nodes->cdev, nodes->first, nodes->count);
	if (err)
		kobject_put(&nodes->cdev->kobj);
	return err;
}

/* Tell udev only now: a program that listens may open the device at once. */
static void nodes_announce(struct xxshm_nodes *nodes)
{
	unsigned int i;

	for (i = 0; i < nodes->count; i++) {
		struct device *dev = nodes->devices[i];

		dev_set_uevent_suppress(dev, false);
		kobject_uevent(&dev->kobj, KOBJ_ADD);
	}
}

/**
 * xxshm_nodes_add() - make the nodes
 * @nodes: their description
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EBUSY if no device numbers are left; -EEXIST if a device
 * of that name exists already; an errno of @nodes->make().
 */
int xxshm_nodes_add(struct xxshm_nodes *nodes)
{
	int err;

	err = alloc_chrdev_region(&nodes->first, 0, nodes->count, nodes->name);
	if (err)
		return err;
	err = xa_insert(&nodes_by_major, MAJOR(nodes->first), nodes, GFP_KERNEL);
	if (err)
		goto err_region;
	err = nodes_add_all(nodes);
	if (err)
		goto err_major;
	err = nodes_publish(nodes);
	if (err)
		goto err_devices;
	nodes_announce(nodes);
	return 0;

err_devices:
	nodes_del_all(nodes);
err_major:
	xa_erase(&nodes_by_major, MAJOR(nodes->first));
err_region:
	unregister_chrdev_region(nodes->first, nodes->count);
	return err;
}

/**
 * xxshm_nodes_del() - delete the nodes
 * @nodes: the nodes, as xxshm_nodes_add() made them
 *
 * Context: Process context, may sleep; no file of them is open.
 */
void xxshm_nodes_del(struct xxshm_nodes *nodes)
{
	cdev_del(nodes->cdev);
	nodes_del_all(nodes);
	xa_erase(&nodes_by_major, MAJOR(nodes->first));
	unregister_chrdev_region(nodes->first, nodes->count);
}

static bool nodes_is_ready(const struct inode *inode, loff_t size)
{
	return READ_ONCE(inode->i_flags) & S_NOCMTIME && i_size_read(inode) == size;
}

/**
 * xxshm_nodes_open() - prepare a node that is being opened for mappings
 * @inode: inode of the node; a device may have several nodes, one in each container
 * @size: the size that fstat(2) tells, 0 if it is not known
 *
 * Libraries that map whole files ask fstat(2) for the size. S_NOCMTIME keeps the kernel
 * from setting the node's times when a page is first written to. A program can still
 * set them, as touch(1) does.
 *
 * Only nodes on devtmpfs or tmpfs are changed, where /dev normally is. Other file
 * systems might write the size to their disk.
 *
 * Context: In an open handler, may sleep.
 */
void xxshm_nodes_open(struct inode *inode, loff_t size)
{
	if (inode->i_sb->s_magic != TMPFS_MAGIC || nodes_is_ready(inode, size))
		return;
	inode_lock(inode);
	i_size_write(inode, size);
	inode_set_flags(inode, S_NOCMTIME, S_NOCMTIME);
	inode_unlock(inode);
}

/**
 * xxshm_nodes_device() - the device of a node that is being opened
 * @inode: inode of the node
 *
 * Context: In an open handler.
 * Return: the device that @nodes->make() made.
 */
struct device *xxshm_nodes_device(const struct inode *inode)
{
	struct xxshm_nodes *nodes = xa_load(&nodes_by_major, imajor(inode));

	return nodes->devices[iminor(inode)];
}
