/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_NODES_H
#define _XXSHM_NODES_H

#include <linux/fs.h>
#include <linux/types.h>

struct cdev;
struct class;
struct device;
struct module;

/**
 * struct xxshm_nodes - device nodes of one name that appear all at once
 * @name: the nodes are NAME0, NAME1, ...
 * @count: number of nodes, at least 1
 * @class: their class in sysfs
 * @fops: their file operations
 * @owner: the module that an open file of a node holds
 * @make: make a device: initialised, with a release function, and nothing else;
 *	or ERR_PTR()
 * @first: device number of the first node, from xxshm_nodes_add() on
 * @cdev: the character device of all nodes
 * @devices: the devices that exist, by minor number
 * @added: how many exist
 *
 * The owner fills in the fields before @first. Nodes are deleted when no file of them
 * is open and none can be opened any more: when @owner is unloaded.
 */
struct xxshm_nodes {
	const char *name;
	unsigned int count;
	struct class *class;
	const struct file_operations *fops;
	struct module *owner;
	struct device *(*make)(struct xxshm_nodes *nodes);

	dev_t first;
	struct cdev *cdev;
	struct device **devices;
	unsigned int added;
};

int xxshm_nodes_add(struct xxshm_nodes *nodes);
void xxshm_nodes_del(struct xxshm_nodes *nodes);

struct device *xxshm_nodes_device(const struct inode *inode);
void xxshm_nodes_open(struct inode *inode, loff_t size);

#endif /* _XXSHM_NODES_H */
