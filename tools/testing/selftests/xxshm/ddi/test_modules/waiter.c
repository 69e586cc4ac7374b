// SPDX-License-Identifier: GPL-2.0-only
/* A driver whose entry points wait for a mutex or for the test, see waiter.h. */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <xxshm/ddi.h>

#include "waiter.h"

/* Tests give up earlier; the kernel complains of tasks that hang for 120 s. */
#define PATIENCE	(100 * HZ)

static DEFINE_MUTEX(waiter_lock);	/* held by ioctl() over a copy */
static DECLARE_WAIT_QUEUE_HEAD(waiter_queue);
static struct waiter_plan plan;
static atomic_t waiting, segmaps, devmaps, maps, dups, unmaps;
static char page[PAGE_SIZE];
static ddi_umem_cookie_t memory;

static int waiter_copy(unsigned long address)
{
	return copy_to_user((void __user *)address, page, sizeof(page)) ? EFAULT : 0;
}

static bool gate_is_open(u32 where)
{
	return !(READ_ONCE(plan.gate) & where);
}

static int waiter_wait(u32 where)
{
	u32 gate = READ_ONCE(plan.gate);
	long left;

	if (!(gate & where))
		return 0;
	atomic_inc(&waiting);
	if (gate & WAITER_INTERRUPTIBLE)
		left = wait_event_interruptible_timeout(waiter_queue,
							gate_is_open(where), PATIENCE);
	else if (gate & WAITER_KILLABLE)
		left = wait_event_killable_timeout(waiter_queue, gate_is_open(where),
						   PATIENCE);
	else
		left = wait_event_timeout(waiter_queue, gate_is_open(where), PATIENCE);
	atomic_dec(&waiting);
	if (left < 0)
		return EINTR;
	return left ? 0 : ETIME;
}

static int waiter_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off,
		      size_t len, void **pvtp)
{
	mutex_enter(&waiter_lock);
	atomic_inc(&maps);
	mutex_exit(&waiter_lock);
	return 0;
}

static int waiter_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp,
		      void **new_pvtp)
{
	atomic_inc(&dups);
	return 0;
}

static void waiter_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			 devmap_cookie_t new_dhp1, void **new_pvtp1,
			 devmap_cookie_t new_dhp2, void **new_pvtp2)
{
	atomic_inc(&unmaps);
}

static struct devmap_callback_ctl waiter_ops = {
	.devmap_rev	= DEVMAP_OPS_REV,
	.devmap_map	= waiter_map,
	.devmap_dup	= waiter_dup,
	.devmap_unmap	= waiter_unmap,
};

static int waiter_segmap(dev_t dev, off_t off, struct as *as, caddr_t *addrp, off_t len,
			 uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred)
{
	int err;

	atomic_inc(&segmaps);
	wake_up_all(&waiter_queue);
	err = waiter_wait(WAITER_IN_SEGMAP);
	return err ?: ddi_devmap_segmap(dev, off, as, addrp, len, prot, maxprot, flags,
					cred);
}

static int waiter_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			 size_t *maplen, uint_t model)
{
	unsigned long address = READ_ONCE(plan.copy_to);
	int err;

	atomic_inc(&devmaps);
	err = waiter_wait(WAITER_IN_DEVMAP);
	if (!err && address)
		err = waiter_copy(address);
	err = err ?: READ_ONCE(plan.error);
	if (err)
		return err;
	mutex_enter(&waiter_lock);
	err = devmap_umem_setup(dhp, NULL, &waiter_ops, memory, 0, len,
				PROT_ALL & ~PROT_EXEC, DEVMAP_DEFAULTS, NULL);
	mutex_exit(&waiter_lock);
	*maplen = len;
	return err ? ENXIO : 0;
}

/* Wait until another thread has entered segmap(): devmap() comes next. */
static int waiter_await_segmap(void)
{
	int before = atomic_read(&segmaps);
	long left;

	atomic_inc(&waiting);
	left = wait_event_killable_timeout(waiter_queue,
					   atomic_read(&segmaps) != before, PATIENCE);
	atomic_dec(&waiting);
	if (left < 0)
		return EINTR;
	return left ? 0 : ETIME;
}

static int waiter_ioctl_copy(unsigned int cmd, unsigned long address)
{
	int err = 0;

	mutex_enter(&waiter_lock);
	if (cmd == WAITER_IOC_MEET)
		err = waiter_await_segmap();
	err = err ?: waiter_copy(address);
	mutex_exit(&waiter_lock);
	return err;
}

static int waiter_ioctl_plan(void __user *user)
{
	struct waiter_plan new;

	if (copy_from_user(&new, user, sizeof(new)))
		return EFAULT;
	WRITE_ONCE(plan.copy_to, new.copy_to);
	WRITE_ONCE(plan.error, new.error);
	WRITE_ONCE(plan.gate, new.gate);
	wake_up_all(&waiter_queue);
	return 0;
}

static int waiter_ioctl_counts(void __user *user)
{
	struct waiter_counts counts = {
		.waiting	= atomic_read(&waiting),
		.segmaps	= atomic_read(&segmaps),
		.devmaps	= atomic_read(&devmaps),
		.maps		= atomic_read(&maps),
		.dups		= atomic_read(&dups),
		.unmaps		= atomic_read(&unmaps),
	};

	return copy_to_user(user, &counts, sizeof(counts)) ? EFAULT : 0;
}

static int waiter_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred,
			int *rvalp)
{
	switch ((unsigned int)cmd) {
	case WAITER_IOC_PLAN:
		return waiter_ioctl_plan((void __user *)arg);
	case WAITER_IOC_COUNTS:
		return waiter_ioctl_counts((void __user *)arg);
	case WAITER_IOC_COPY:
	case WAITER_IOC_MEET:
		return waiter_ioctl_copy(cmd, arg);
	}
	return ENOTTY;
}

static struct ddi_driver waiter_driver = {
	.name	= "waiter",
	.minors	= 1,
	.ioctl	= waiter_ioctl,
	.segmap	= waiter_segmap,
	.devmap	= waiter_devmap,
};

static int __init waiter_init(void)
{
	int err;

	memset(page, WAITER_BYTE, sizeof(page));
	if (!ddi_umem_alloc(ptob(WAITER_PAGES), DDI_UMEM_SLEEP, &memory))
		return -ENOMEM;
	err = ddi_driver_register(&waiter_driver);
	if (err)
		ddi_umem_free(memory);
	return err;
}
module_init(waiter_init);

static void __exit waiter_exit(void)
{
	ddi_driver_unregister(&waiter_driver);
	ddi_umem_free(memory);
}
module_exit(waiter_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver that waits, for xxshm's tests");
