// SPDX-License-Identifier: GPL-2.0-only
/* Other parts of the kernel, as they meet the pages of the module: see holder.h. */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "holder.h"

static struct page *held;

static int holder_let_go(void)
{
	struct page *page = xchg(&held, NULL);

	if (!page)
		return -ENOENT;
	unlock_page(page);
	put_page(page);
	return 0;
}

static void holder_expire(struct work_struct *unused)
{
	holder_let_go();
}

static DECLARE_DELAYED_WORK(holder_work, holder_expire);

static int holder_hold(const struct holder_hold *hold)
{
	struct page *page;
	int got = get_user_pages_fast(hold->addr, 1, 0, &page);

	if (got != 1)
		return got ?: -EFAULT;
	lock_page(page);
	cancel_delayed_work_sync(&holder_work);
	holder_let_go();
	held = page;
	schedule_delayed_work(&holder_work, hold->seconds * HZ);
	return 0;
}

static int holder_first_byte(struct page *page)
{
	unsigned char *address = kmap_local_page(page);
	int byte = *address;

	kunmap_local(address);
	put_page(page);
	return byte;
}

static int holder_read(struct address_space *mapping, const struct holder_cache *cache)
{
	struct folio *folio;
	struct page *page;

	if (cache->as_page) {
		page = read_cache_page(mapping, cache->index, NULL, NULL);
		return IS_ERR(page) ? PTR_ERR(page) : holder_first_byte(page);
	}
	folio = read_cache_folio(mapping, cache->index, NULL, NULL);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	return holder_first_byte(folio_file_page(folio, cache->index));
}

/* As a reader of a page that is killed before its file system has finished. */
static int holder_leave(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = folio_alloc(GFP_USER, 0);
	int err;

	if (!folio)
		return -ENOMEM;
	err = filemap_add_folio(mapping, folio, index, GFP_USER);
	if (!err)
		folio_unlock(folio);
	folio_put(folio);
	return err;
}

static int holder_cache(unsigned int cmd, struct holder_cache *cache)
{
	struct file *file = fget(cache->fd);

	if (!file)
		return -EBADF;
	cache->ret = cmd == HOLDER_IOC_READ ? holder_read(file->f_mapping, cache) :
		holder_leave(file->f_mapping, cache->index);
	cache->nrpages = READ_ONCE(file->f_mapping->nrpages);
	fput(file);
	return 0;
}

/* As KVM does before it leaves the waiting to somebody else. */
static long holder_get_nowait(unsigned long addr)
{
	struct page *page;
	long got = get_user_pages_unlocked(addr, 1, &page, FOLL_NOWAIT);

	if (got == 1)
		put_page(page);
	return got;
}

static int holder_fault(const struct holder_fault *fault)
{
	bool is_tried = fault->how == HOLDER_TRIED, unlocked;
	int err;

	mmap_read_lock(current->mm);
	err = fixup_user_fault(current->mm, fault->addr, is_tried ? FAULT_FLAG_TRIED : 0,
			       is_tried ? &unlocked : NULL);
	mmap_read_unlock(current->mm);
	return err;
}

static long holder_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	union {
		struct holder_cache cache;
		struct holder_hold hold;
		struct holder_fault fault;
		u64 addr;
	} argument;
	void __user *user = (void __user *)arg;
	size_t size = _IOC_SIZE(cmd);
	int err;

	if (size > sizeof(argument) || copy_from_user(&argument, user, size))
		return -EFAULT;
	switch (cmd) {
	case HOLDER_IOC_READ:
	case HOLDER_IOC_LEAVE:
		err = holder_cache(cmd, &argument.cache);
		return err ?: copy_to_user(user, &argument, size) ? -EFAULT : 0;
	case HOLDER_IOC_HOLD:
		return holder_hold(&argument.hold);
	case HOLDER_IOC_LET_GO:
		return holder_let_go();
	case HOLDER_IOC_GET_NOWAIT:
		return holder_get_nowait(argument.addr);
	case HOLDER_IOC_FAULT:
		return holder_fault(&argument.fault);
	}
	return -ENOTTY;
}

static const struct file_operations holder_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= holder_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice holder_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "holder",
	.fops	= &holder_fops,
};

static int __init holder_init(void)
{
	return misc_register(&holder_device);
}
module_init(holder_init);

static void __exit holder_exit(void)
{
	misc_deregister(&holder_device);
	cancel_delayed_work_sync(&holder_work);
	holder_let_go();
}
module_exit(holder_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Other parts of the kernel, for xxshm's tests of its pages");
