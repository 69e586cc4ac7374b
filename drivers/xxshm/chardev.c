// SPDX-License-Identifier: GPL-2.0-only
/*
 * The face of programs: /dev/xxshm0, /dev/xxshm1, ...
 *
 * A device owns one memory object with a window for each data model, W bytes each:
 *
 *   offset in the memory object              0             W            2W
 *                                            | LP64 window | ILP32 window |
 *   a 64-bit process that maps offset off    off
 *   a 32-bit process that maps offset off                  W + off
 *
 * The data model is that of the system call. Only chardev_caller_window() asks for it. A
 * mapping keeps its window over fork and mremap.
 *
 * Each window of locked memory gets all its pages at its own first valid mmap, so that
 * nobody pays for a window that no program uses. More than a few pages are allocated
 * without mmap_lock, see prep.c. If the memory is pageable, a store takes the place of the
 * memory object, and a door is mapped, see pageable.c. A device gets its memory object or
 * store when it is first opened.
 *
 * The contents stay until the module is unloaded. It cannot be unloaded while a file is
 * open or a mapping exists.
 */
#include <linux/compat.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xxshm.h>

#include "chardev.h"
#include "device.h"
#include "map.h"
#include "memlock.h"
#include "nodes.h"
#include "pageable.h"
#include "pages.h"
#include "prep.h"
#include "report.h"
#include "window.h"

#define CHARDEV_NAME	"xxshm"

/* The node's mode is devtmpfs' default, 0600: opening up is for udev rules. */
static struct class chardev_class = {
	.name		= CHARDEV_NAME,
	.dev_groups	= xxshm_report_groups,
};

/*
 * Valid only within the caller's system call: in other contexts in_compat_syscall() reads
 * leftovers. A 64-bit process that enters the kernel by int 0x80 is a 32-bit caller here.
 */
static struct xxshm_window *chardev_caller_window(struct xxshm_device *xd)
{
	return xxshm_device_window(xd, in_compat_syscall());
}

static u32 chardev_window_model(const struct xxshm_device *xd,
				const struct xxshm_window *win)
{
	return win == &xd->lp64 ? XXSHM_MODEL_LP64 : XXSHM_MODEL_ILP32;
}

static pgoff_t chardev_window_pages;
static bool chardev_is_pageable;
/* Protects pages and store of all devices until they are set. */
static DEFINE_MUTEX(chardev_memory_lock);

static int chardev_get_store_locked(struct xxshm_device *xd)
{
	struct file *store;
	char name[24];

	lockdep_assert_held(&chardev_memory_lock);
	if (xd->store)
		return 0;
	snprintf(name, sizeof(name), "dev/%s", dev_name(&xd->dev));
	store = xxshm_pageable_alloc(2 * chardev_window_pages, name);
	if (IS_ERR(store))
		return PTR_ERR(store);
	/* Pairs with the acquires in chardev_has_memory() and allocated_show(). */
	smp_store_release(&xd->store, store);
	return 0;
}

static int chardev_get_pages_locked(struct xxshm_device *xd)
{
	struct xxshm_pages *pages;

	lockdep_assert_held(&chardev_memory_lock);
	if (xd->pages)
		return 0;
	/* One more page: the kernel maps a large page only if the file does not end there. */
	pages = xxshm_pages_alloc(2 * chardev_window_pages + 1);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	/* Pairs with the acquire in chardev_has_memory(). */
	smp_store_release(&xd->pages, pages);
	return 0;
}

static bool chardev_has_memory(struct xxshm_device *xd)
{
	/* Pairs with the releases above: an object that is visible is complete. */
	return smp_load_acquire(&xd->pages) || smp_load_acquire(&xd->store);
}

/*
 * A device that nobody opens takes as little memory as possible. Only the first open takes
 * the lock, and opens that come meanwhile.
 */
static int chardev_get_memory(struct xxshm_device *xd)
{
	int err;

	if (chardev_has_memory(xd))
		return 0;
	if (mutex_lock_killable(&chardev_memory_lock))
		return -EINTR;
	err = chardev_is_pageable ? chardev_get_store_locked(xd) :
		chardev_get_pages_locked(xd);
	mutex_unlock(&chardev_memory_lock);
	return err;
}

static void chardev_file_free(struct xxshm_file *xf)
{
	xxshm_prep_list_destroy(&xf->preps);
	xxshm_map_list_destroy(&xf->maps);
	kfree(xf);
}

/*
 * A 32-bit program that opens the device without O_LARGEFILE has 31 bits for a
 * position. The kernel would cut off a larger one.
 */
static bool chardev_is_small_caller(const struct xxshm_file *xf,
				    const struct file *file)
{
	return !(file->f_flags & O_LARGEFILE) &&
	       chardev_caller_window(xf->xd) == &xf->xd->ilp32;
}

static loff_t chardev_llseek(struct file *file, loff_t offset, int whence)
{
	struct xxshm_file *xf = file->private_data;
	loff_t size = xxshm_device_window_size(xf->xd);
	loff_t target = offset;

	if (whence == SEEK_END)
		target += size;
	else if (whence == SEEK_CUR)
		target += READ_ONCE(file->f_pos);
	if (target > (loff_t)MAX_NON_LFS && target <= size &&
	    chardev_is_small_caller(xf, file))
		return -EOVERFLOW;
	return fixed_size_llseek(file, offset, whence, size);
}

static int chardev_prepare(struct file *file, const struct xxshm_prep_call *call,
			   void **made)
{
	struct xxshm_file *xf = file->private_data;

	return xxshm_window_populate(xxshm_device_window(xf->xd, call->is_compat),
				     xf->xd->pages);
}

/* No .drop: the window stays, even if it is not mapped in the end. */
static const struct xxshm_prep_ops chardev_prep_ops = {
	.make		= chardev_prepare,
	.is_repeatable	= true,
};

/* Give the window its pages: now if they are few, otherwise without mmap_lock. */
static int chardev_populate(struct xxshm_file *xf, struct xxshm_window *win,
			    struct vm_area_struct *vma)
{
	void *unused;

	if (xxshm_prep_list_is_empty(&xf->preps)) {
		if (xxshm_window_is_populated(win))
			return 0;
		if (xxshm_window_is_small(win) &&
		    !xxshm_window_populate_at_once(win, xf->xd->pages))
			return 0;
	}
	return xxshm_prep_mmap(&xf->preps, vma, &chardev_prep_ops, &unused);
}

/* Charge first: a caller that cannot pay allocates no pages. */
static int chardev_map_locked(struct xxshm_file *xf, struct xxshm_window *win,
			      struct vm_area_struct *vma)
{
	struct xxshm_map *map;
	int err;

	map = xxshm_map_alloc(&xf->maps, vma_pages(vma));
	if (IS_ERR(map))
		return PTR_ERR(map);
	err = chardev_populate(xf, win, vma);
	if (err) {
		xxshm_map_free(map);
		return err;
	}
	map->index = win->first + vma->vm_pgoff;
	xxshm_map_commit(vma, map);
	return 0;
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct xxshm_file *xf = file->private_data;
	struct xxshm_window *win = chardev_caller_window(xf->xd);
	int err;

	err = xxshm_map_check(vma, win->npages);
	if (err)
		return err;
	if (!xf->door)
		return chardev_map_locked(xf, win, vma);
	return xxshm_pageable_map(xf->xd->store, xf->door, vma,
				  win->first + vma->vm_pgoff);
}

static unsigned long chardev_get_unmapped_area(struct file *file,
					       unsigned long addr,
					       unsigned long len,
					       unsigned long pgoff,
					       unsigned long flags)
{
	struct xxshm_file *xf = file->private_data;
	struct xxshm_window *win = chardev_caller_window(xf->xd);
	unsigned long place = 0;

	if (!xf->door && (!xxshm_window_is_populated(win) ||
			  !xxshm_prep_list_is_empty(&xf->preps)))
		place = xxshm_prep_place(&xf->preps, file, addr, len, pgoff, flags);
	return place ?: xxshm_map_place(file, addr, len, win->first + pgoff, flags);
}

static_assert(sizeof(struct xxshm_info) == XXSHM_INFO_SIZE_VER0);

/* @usize is the caller's size of the structure; it may be older or newer. */
static long chardev_ioctl_info(struct xxshm_file *xf, void __user *arg,
			       size_t usize)
{
	struct xxshm_window *win = chardev_caller_window(xf->xd);
	struct xxshm_info info;
	int err;

	if (usize < XXSHM_INFO_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(&info, sizeof(info), arg, usize);
	if (err)
		return err;
	info = (struct xxshm_info){
		.window_size	= xxshm_device_window_size(xf->xd),
		.page_size	= PAGE_SIZE,
		.model		= chardev_window_model(xf->xd, win),
		.backing	= xf->door ? XXSHM_BACKING_PAGEABLE :
				  XXSHM_BACKING_LOCKED,
		.charged	= (u64)xxshm_map_list_charged(&xf->maps) << PAGE_SHIFT,
		.user_locked	= (u64)xxshm_memlock_used() << PAGE_SHIFT,
	};
	if (xxshm_window_is_populated(win))
		info.flags |= XXSHM_INFO_ALLOCATED;
	if (copy_to_user(arg, &info, min(usize, sizeof(info))))
		return -EFAULT;
	return 0;
}

/* The size is not part of a command's identity: structures may grow. */
static long chardev_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	unsigned int identity = cmd & ~IOCSIZE_MASK;

	if (identity == (XXSHM_IOC_INFO & ~IOCSIZE_MASK))
		return chardev_ioctl_info(file->private_data,
					  (void __user *)arg, _IOC_SIZE(cmd));
	return -ENOTTY;
}

/* All mappings through the door are gone, and so is the file that it belongs to. */
static int chardev_close_door(struct inode *inode, struct file *door)
{
	chardev_file_free(door->private_data);
	return 0;
}

/* The operations of the file that is mapped in the place of a pageable device. */
static const struct file_operations chardev_door_fops = {
	.owner			= THIS_MODULE,
	.release		= chardev_close_door,
	.mmap			= chardev_mmap,
	.get_unmapped_area	= chardev_get_unmapped_area,
	.fsync			= noop_fsync,
};

/* Get the opened file ready to be mapped: by the memory object, or by a door. */
static int chardev_open_memory(struct xxshm_file *xf, struct file *file)
{
	struct file *door;
	int err;

	err = chardev_get_memory(xf->xd);
	if (err)
		return err;
	if (!chardev_is_pageable) {
		file->f_mapping = xxshm_pages_mapping(xf->xd->pages);
		return 0;
	}
	door = xxshm_pageable_open(xf->xd->store, file, &chardev_door_fops);
	if (IS_ERR(door))
		return PTR_ERR(door);
	door->private_data = xf;
	xf->door = door;
	return 0;
}

static int chardev_open(struct inode *inode, struct file *file)
{
	struct xxshm_device *xd = xxshm_device_of(xxshm_nodes_device(inode));
	struct xxshm_file *xf = kzalloc(sizeof(*xf), GFP_KERNEL_ACCOUNT);
	int err;

	if (!xf)
		return -ENOMEM;
	xf->xd = xd;
	xxshm_map_list_init(&xf->maps, sizeof(struct xxshm_map), &xd->totals);
	xxshm_prep_list_init(&xf->preps);
	file->private_data = xf;
	err = chardev_open_memory(xf, file);
	if (err) {
		chardev_file_free(xf);
		return err;
	}
	xxshm_nodes_open(inode, xxshm_device_window_size(xd));
	return 0;
}

/* All mappings through the file are gone, since each held it. Its door may have some. */
static int chardev_close(struct inode *inode, struct file *file)
{
	struct xxshm_file *xf = file->private_data;

	if (xf->door)
		fput(xf->door);
	else
		chardev_file_free(xf);
	return 0;
}

static const struct file_operations chardev_fops = {
	.owner			= THIS_MODULE,
	.open			= chardev_open,
	.release		= chardev_close,
	.llseek			= chardev_llseek,
	.mmap			= chardev_mmap,
	.get_unmapped_area	= chardev_get_unmapped_area,
	.fsync			= noop_fsync,	/* or msync(2) fails */
	.unlocked_ioctl		= chardev_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
	.show_fdinfo		= xxshm_report_fdinfo,
};

static void chardev_release(struct device *dev)
{
	struct xxshm_device *xd = xxshm_device_of(dev);

	if (xd->pages)
		xxshm_pages_free(xd->pages);
	if (xd->store)
		fput(xd->store);
	kfree(xd);
}

static struct device *__init chardev_make_device(struct xxshm_nodes *unused)
{
	struct xxshm_device *xd = kzalloc(sizeof(*xd), GFP_KERNEL);

	if (!xd)
		return ERR_PTR(-ENOMEM);
	device_initialize(&xd->dev);
	xd->dev.release = chardev_release;
	dev_set_drvdata(&xd->dev, &xd->totals);
	xxshm_window_init(&xd->lp64, 0, chardev_window_pages);
	xxshm_window_init(&xd->ilp32, chardev_window_pages, chardev_window_pages);
	return &xd->dev;
}

static struct xxshm_nodes chardev_nodes = {
	.name	= CHARDEV_NAME,
	.class	= &chardev_class,
	.fops	= &chardev_fops,
	.owner	= THIS_MODULE,
};

/**
 * xxshm_chardev_init() - make the devices
 * @instances: how many, at least 1
 * @window_pages: size of each window of each device, in pages, at least 1
 * @pageable: their memory may be swapped
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EBUSY if no device numbers are left; -EEXIST if a class
 * or a device of that name exists already.
 */
int __init xxshm_chardev_init(unsigned int instances, pgoff_t window_pages,
			      bool pageable)
{
	int err;

	err = class_register(&chardev_class);
	if (err)
		return err;
	chardev_window_pages = window_pages;
	chardev_is_pageable = pageable;
	chardev_nodes.count = instances;
	chardev_nodes.make = chardev_make_device;
	err = xxshm_nodes_add(&chardev_nodes);
	if (err)
		class_unregister(&chardev_class);
	return err;
}

/**
 * xxshm_chardev_exit() - remove the devices, with all their memory
 *
 * Context: Process context, may sleep; no file of a device is open.
 */
void xxshm_chardev_exit(void)
{
	xxshm_nodes_del(&chardev_nodes);
	class_unregister(&chardev_class);
}
