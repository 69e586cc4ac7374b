// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pageable memory: the kernel may swap it.
 *
 * A store is a file without a name on the kernel's own tmpfs. A page of it is allocated,
 * zeroed, when it is first touched, and charged to the memory cgroup of the process that
 * touches it. Pages go to swap under pressure and come back unchanged. All of this,
 * page faults included, is the code of tmpfs.
 *
 * A door is the file through which a store is mapped, one for each open file of a device.
 * It is a file of the store's inode, because the kernel asks the inode of a mapped file
 * whether it is one of tmpfs (seals, smaps). But it has the operations of the device. With
 * those of tmpfs, remap_file_pages(2) would not ask the device, MADV_REMOVE would take
 * pages away from everybody, and the module could be unloaded while it is mapped.
 *
 * Both are opened with the kernel's own credentials. A file keeps the credentials of its
 * opener, with their namespaces and keyrings, and a store lives until the module is
 * unloaded. Otherwise those of the first process to open the device would stay alive.
 *
 * No process has a descriptor of either. Root can open the inode through
 * /proc/PID/map_files. That file has nothing of the module in it. The inode is immutable,
 * so that file can only be read; lifting this takes CAP_LINUX_IMMUTABLE.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>

#include "backport.h"
#include "map.h"
#include "pageable.h"

/* With the kernel's credentials the inode belongs to root, too. */
static struct file *pageable_setup(pgoff_t npages, const char *name)
{
	struct cred *kernel = prepare_kernel_cred(&init_task);
	const struct cred *caller;
	struct file *store;

	if (!kernel)
		return ERR_PTR(-ENOMEM);
	caller = override_creds(kernel);
	store = shmem_file_setup(name, (loff_t)npages << PAGE_SHIFT,
				 mk_vma_flags(VMA_NORESERVE_BIT));
	revert_creds(caller);
	/* The store has a reference of its own. */
	put_cred(kernel);
	return store;
}

/**
 * xxshm_pageable_alloc() - make a store without pages
 * @npages: its size in pages, at least 1, at most XXSHM_PAGEABLE_MAX_PAGES
 * @name: its name in /proc/PID/maps
 *
 * No memory is reserved for it. Where overcommit is forbidden, each page counts when it is
 * allocated.
 *
 * Context: Process context, may sleep.
 * Return: the store, to be released by fput(); ERR_PTR(-ENOMEM), or another errno of
 * shmem_file_setup().
 */
struct file *xxshm_pageable_alloc(pgoff_t npages, const char *name)
{
	struct file *store = pageable_setup(npages, name);
	struct inode *inode;

	/* tmpfs says ENOSPC if it gets no memory for an inode. */
	if (store == ERR_PTR(-ENOSPC))
		return ERR_PTR(-ENOMEM);
	if (IS_ERR(store))
		return store;
	inode = file_inode(store);
	inode->i_flags |= S_PRIVATE | S_IMMUTABLE | S_NOCMTIME;
	/* When a program sets any flag, tmpfs clears the flags that are not in here. */
	SHMEM_I(inode)->fsflags |= FS_IMMUTABLE_FL;
	return store;
}

/**
 * xxshm_pageable_bytes() - the memory that a store holds
 * @store: the store
 *
 * Context: Any.
 * Return: the size of all its pages, in memory or in swap.
 */
u64 xxshm_pageable_bytes(const struct file *store)
{
	return (u64)READ_ONCE(file_inode(store)->i_blocks) << SECTOR_SHIFT;
}

/**
 * xxshm_pageable_open() - make a door to a store
 * @store: the store
 * @opened: the open file of a device that needs it, for its access mode
 * @fops: the operations of the door; their owner is also that of @opened's operations
 *
 * Context: Process context, may sleep.
 * Return: the door, to be released by fput(); ERR_PTR(-ENFILE) if there are too many
 * open files; ERR_PTR(-ENOMEM).
 */
struct file *xxshm_pageable_open(struct file *store, const struct file *opened,
				 const struct file_operations *fops)
{
	int flags = (opened->f_flags & O_ACCMODE) | O_LARGEFILE;
	struct file *door = dentry_open(&store->f_path, flags, store->f_cred);

	if (IS_ERR(door))
		return door;
	__module_get(fops->owner);
	door->f_op = fops;
	/* The VFS warns if these bits promise reads or writes that fops lack: clear them. */
	door->f_mode &= ~(FMODE_CAN_READ | FMODE_CAN_WRITE | FMODE_LSEEK);
	return door;
}

/**
 * xxshm_pageable_map() - make a checked VMA a mapping of a store
 * @store: the store
 * @door: the door through which it is mapped
 * @vma: the VMA that xxshm_map_check() accepted
 * @index: index in the store of its first page
 *
 * Context: In an mmap handler, as its last step.
 * Return: 0, or an errno of the mmap handler of tmpfs.
 */
int xxshm_pageable_map(struct file *store, struct file *door,
		       struct vm_area_struct *vma, pgoff_t index)
{
	xxshm_map_restrict(vma, index);
	/* With remap_file_pages(2), the file of the VMA is the door already. */
	if (vma->vm_file != door)
		vma_set_file(vma, door);
	return vfs_mmap(store, vma);
}
