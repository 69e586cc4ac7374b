// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user-space face: /dev/xxshm0, /dev/xxshm1, ...
 *
 * A device owns one umem with a window for each data model, W bytes each:
 *
 *   offset in the umem                       0             W            2W
 *                                            | LP64 window | ILP32 window |
 *   a 64-bit process that maps offset off    off
 *   a 32-bit process that maps offset off                  W + off
 *
 * The model is that of the system call, and it is asked for in one place,
 * caller_window(). A mapping keeps its window over fork and mremap.
 *
 * Each window gets all its pages at its own first valid mmap, so that nobody
 * pays for the window of programs that never come. Contents stay until the
 * module goes, and it does not go while a file or a mapping lives.
 */
#include <linux/cdev.h>
#include <linux/compat.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xxshm.h>

#include "chardev.h"
#include "map.h"
#include "umem.h"

#define CHARDEV_NAME	"xxshm"

/**
 * struct xxshm_window - what the programs of one data model share
 * @lock: held while the window is populated, so that this happens once; nests
 *	inside mmap_lock, therefore never touch user memory under it
 * @populated: the window has its pages; set once, under @lock, and read
 *	without it, see window_is_populated()
 * @first: index of the window's first page in the umem; constant
 * @model: XXSHM_MODEL_*; constant
 */
struct xxshm_window {
	struct mutex lock;	/* of populated */
	bool populated;
	pgoff_t first;
	u32 model;
};

/**
 * struct xxshm_device - one /dev/xxshmN
 * @dev: its entry in the device tree; frees the whole when it is released
 * @umem: the memory of both windows
 * @window_pages: size of a window, in pages
 * @lp64: the window of 64-bit callers
 * @ilp32: the window of 32-bit callers
 *
 * It lives from loading to unloading; an open file holds the module.
 */
struct xxshm_device {
	struct device dev;
	struct xxshm_umem *umem;
	pgoff_t window_pages;
	struct xxshm_window lp64;
	struct xxshm_window ilp32;
};

static dev_t chardev_region;
static struct cdev *chardev_cdev;	/* of all minors */
static struct xxshm_device **chardev_devices;	/* by minor */
static unsigned int chardev_count;

/* The node's mode is devtmpfs' default, 0600: opening up is for udev rules. */
static struct class chardev_class = {
	.name	= CHARDEV_NAME,
};

/*
 * Valid only within the system call that it is about: in other contexts
 * in_compat_syscall() reads leftovers. A 64-bit process that enters the kernel
 * by int 0x80 is a 32-bit caller here.
 */
static struct xxshm_window *caller_window(struct xxshm_device *xd)
{
	return in_compat_syscall() ? &xd->ilp32 : &xd->lp64;
}

static bool window_is_populated(struct xxshm_window *win)
{
	/* Pairs with the release in window_populate_locked(). */
	return smp_load_acquire(&win->populated);
}

static int window_populate_locked(struct xxshm_device *xd,
				  struct xxshm_window *win)
{
	int err;

	lockdep_assert_held(&win->lock);
	if (win->populated)
		return 0;
	err = xxshm_umem_populate(xd->umem, win->first, xd->window_pages);
	if (err)
		return err;
	/* Who sees this sees the pages in the page cache. */
	smp_store_release(&win->populated, true);
	return 0;
}

static int window_populate(struct xxshm_device *xd, struct xxshm_window *win)
{
	int err;

	if (window_is_populated(win))
		return 0;
	if (mutex_lock_killable(&win->lock))
		return -EINTR;
	err = window_populate_locked(xd, win);
	mutex_unlock(&win->lock);
	return err;
}

static int chardev_open(struct inode *inode, struct file *file)
{
	struct xxshm_device *xd = chardev_devices[iminor(inode)];

	file->private_data = xd;
	file->f_mapping = xxshm_umem_mapping(xd->umem);
	return 0;
}

static loff_t chardev_llseek(struct file *file, loff_t offset, int whence)
{
	struct xxshm_device *xd = file->private_data;

	return fixed_size_llseek(file, offset, whence,
				 (loff_t)xd->window_pages << PAGE_SHIFT);
}

static int chardev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct xxshm_device *xd = file->private_data;
	struct xxshm_window *win = caller_window(xd);
	int err;

	err = xxshm_map_check(vma, xd->window_pages);
	if (err)
		return err;
	err = window_populate(xd, win);
	if (err)
		return err;
	xxshm_map_commit(vma, xd->umem, win->first);
	return 0;
}

static unsigned long chardev_get_unmapped_area(struct file *file,
					       unsigned long addr,
					       unsigned long len,
					       unsigned long pgoff,
					       unsigned long flags)
{
	struct xxshm_window *win = caller_window(file->private_data);

	return xxshm_map_place(file, addr, len, win->first + pgoff, flags);
}

static_assert(sizeof(struct xxshm_info) == XXSHM_INFO_SIZE_VER0);
static_assert(offsetof(struct xxshm_info, window_size) == 0);
static_assert(offsetof(struct xxshm_info, page_size) == 8);
static_assert(offsetof(struct xxshm_info, model) == 12);
static_assert(offsetof(struct xxshm_info, backing) == 16);
static_assert(offsetof(struct xxshm_info, flags) == 20);

/* @usize is the caller's size of the structure; it may be older or newer. */
static long chardev_ioctl_info(struct xxshm_device *xd, void __user *arg,
			       size_t usize)
{
	struct xxshm_window *win = caller_window(xd);
	struct xxshm_info info;
	int err;

	if (usize < XXSHM_INFO_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(&info, sizeof(info), arg, usize);
	if (err)
		return err;
	info = (struct xxshm_info){
		.window_size	= (u64)xd->window_pages << PAGE_SHIFT,
		.page_size	= PAGE_SIZE,
		.model		= win->model,
		.backing	= XXSHM_BACKING_LOCKED,
	};
	if (window_is_populated(win))
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

static const struct file_operations chardev_fops = {
	.owner			= THIS_MODULE,
	.open			= chardev_open,
	.llseek			= chardev_llseek,
	.mmap			= chardev_mmap,
	.get_unmapped_area	= chardev_get_unmapped_area,
	.fsync			= noop_fsync,	/* or msync(2) fails */
	.unlocked_ioctl		= chardev_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
};

static void window_init(struct xxshm_window *win, u32 model, pgoff_t first)
{
	mutex_init(&win->lock);
	win->model = model;
	win->first = first;
}

static void chardev_release(struct device *dev)
{
	struct xxshm_device *xd = container_of(dev, struct xxshm_device, dev);

	if (xd->umem)
		xxshm_umem_free(xd->umem);
	kfree(xd);
}

static int __init chardev_make(struct xxshm_device *xd, unsigned int minor)
{
	struct xxshm_umem *umem;
	int err;

	err = dev_set_name(&xd->dev, CHARDEV_NAME "%u", minor);
	if (err)
		return err;
	umem = xxshm_umem_alloc(2 * xd->window_pages);
	if (IS_ERR(umem))
		return PTR_ERR(umem);
	xd->umem = umem;
	return device_add(&xd->dev);
}

static int __init chardev_add(unsigned int minor, pgoff_t window_pages)
{
	struct xxshm_device *xd = kzalloc(sizeof(*xd), GFP_KERNEL);
	int err;

	if (!xd)
		return -ENOMEM;
	device_initialize(&xd->dev);
	xd->dev.class = &chardev_class;
	xd->dev.devt = MKDEV(MAJOR(chardev_region), minor);
	xd->dev.release = chardev_release;
	dev_set_uevent_suppress(&xd->dev, true);
	xd->window_pages = window_pages;
	window_init(&xd->lp64, XXSHM_MODEL_LP64, 0);
	window_init(&xd->ilp32, XXSHM_MODEL_ILP32, window_pages);

	err = chardev_make(xd, minor);
	if (err)
		put_device(&xd->dev);
	else
		chardev_devices[minor] = xd;
	return err;
}

static void chardev_del_all(void)
{
	while (chardev_count)
		device_unregister(&chardev_devices[--chardev_count]->dev);
	kfree(chardev_devices);
}

static int __init chardev_add_all(unsigned int instances, pgoff_t window_pages)
{
	int err;

	chardev_devices = kcalloc(instances, sizeof(*chardev_devices),
				  GFP_KERNEL);
	if (!chardev_devices)
		return -ENOMEM;
	for (; chardev_count < instances; chardev_count++) {
		err = chardev_add(chardev_count, window_pages);
		if (err) {
			chardev_del_all();
			return err;
		}
	}
	return 0;
}

/* From here on the devices can be opened. */
static int __init chardev_publish(void)
{
	int err;

	chardev_cdev = cdev_alloc();
	if (!chardev_cdev)
		return -ENOMEM;
	chardev_cdev->ops = &chardev_fops;
	chardev_cdev->owner = THIS_MODULE;
	err = cdev_add(chardev_cdev, chardev_region, chardev_count);
	if (err)
		kobject_put(&chardev_cdev->kobj);
	return err;
}

/* Tell udev only now: who listens to it may open the device at once. */
static void __init chardev_announce(void)
{
	unsigned int i;

	for (i = 0; i < chardev_count; i++) {
		struct device *dev = &chardev_devices[i]->dev;

		dev_set_uevent_suppress(dev, false);
		kobject_uevent(&dev->kobj, KOBJ_ADD);
	}
}

/**
 * xxshm_chardev_init() - make the devices
 * @instances: how many, at least 1
 * @window_pages: size of each window of each device, in pages, at least 1
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM; -EBUSY if no device numbers are left; -EEXIST if a class
 * or a device of that name exists already.
 */
int __init xxshm_chardev_init(unsigned int instances, pgoff_t window_pages)
{
	int err;

	err = alloc_chrdev_region(&chardev_region, 0, instances, CHARDEV_NAME);
	if (err)
		return err;
	err = class_register(&chardev_class);
	if (err)
		goto err_region;
	err = chardev_add_all(instances, window_pages);
	if (err)
		goto err_class;
	/*
	 * The last step that can fail: an open file does not keep a module
	 * whose loading fails, so nothing can be opened before.
	 */
	err = chardev_publish();
	if (err)
		goto err_devices;
	chardev_announce();
	return 0;

err_devices:
	chardev_del_all();
err_class:
	class_unregister(&chardev_class);
err_region:
	unregister_chrdev_region(chardev_region, instances);
	return err;
}

/**
 * xxshm_chardev_exit() - take the devices away, with all their memory
 *
 * Context: Process context, may sleep; no file of a device is open.
 */
void xxshm_chardev_exit(void)
{
	unsigned int instances = chardev_count;

	cdev_del(chardev_cdev);
	chardev_del_all();
	class_unregister(&chardev_class);
	unregister_chrdev_region(chardev_region, instances);
}
