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
 * @name: they are NAME0, NAME1, ...
 * @count: how many, at least 1
 * @class: what they belong to
 * @fops: what is done with them
 * @owner: the module that an open file of them holds
 * @make: make a device: initialised, with a release function, and nothing else;
 *	or ERR_PTR()
 * @first: number of the first, from xxshm_nodes_add() on
 * @cdev: of all of them
 * @devices: those that exist, by minor number
 * @added: how many do
 *
 * The user fills in what stands before @first, and leaves the rest. Nodes are
 * deleted when no file of them is open, and can't be opened any more: when their
 * owner is unloaded.
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
