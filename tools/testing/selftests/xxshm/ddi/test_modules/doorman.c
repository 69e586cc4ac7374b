// SPDX-License-Identifier: GPL-2.0-only
/* A driver whose open() and close() take their time, see doorman.h. */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <xxshm/ddi.h>

#include "doorman.h"

/* Tests give up earlier; the kernel complains of tasks that hang for 120 s. */
#define PATIENCE	(100 * HZ)

static char *name = "doorman";
module_param(name, charp, 0);
static char *again;
module_param(again, charp, 0);

static DEFINE_SPINLOCK(doorman_lock);	/* of plan, counts and is_open */
static DECLARE_WAIT_QUEUE_HEAD(doorman_queue);
static struct doorman_plan plan;
static struct doorman_counts counts;
static bool is_open;	/* open() has returned 0 since close() was called */

/* A plan has no bits for later calls. */
static bool has_bit(u32 mask, u32 call)
{
	return call < DOORMAN_CALLS && mask & 1U << call;
}

static int doorman_wait(u32 *waits, u32 call)
{
	long left;

	left = wait_event_interruptible_timeout(doorman_queue,
						!has_bit(READ_ONCE(*waits), call),
						PATIENCE);
	if (left < 0)
		return EINTR;
	return left ? 0 : ETIME;
}

static u32 open_begins(int flag)
{
	u32 call;

	spin_lock(&doorman_lock);
	call = counts.opens++;
	counts.opening++;
	counts.open_flag = flag;
	counts.faults += !!counts.closing;
	spin_unlock(&doorman_lock);
	return call;
}

static int open_ends(u32 call, int err)
{
	spin_lock(&doorman_lock);
	if (!err && has_bit(plan.open_fails, call))
		err = EIO;
	if (!err && plan.fail_every && call % plan.fail_every == 0)
		err = EIO;
	counts.opening--;
	if (!err) {
		counts.opened++;
		is_open = true;
	}
	spin_unlock(&doorman_lock);
	return err;
}

static int doorman_open(dev_t *devp, int flag, int otyp, cred_t *cred)
{
	u32 call;

	if (!getminor(*devp))
		return 0;
	call = open_begins(flag);
	return open_ends(call, doorman_wait(&plan.open_waits, call));
}

static u32 close_begins(int flag)
{
	u32 call;

	spin_lock(&doorman_lock);
	call = counts.closes++;
	counts.faults += counts.opening || counts.closing || !is_open;
	counts.closing++;
	counts.close_flag = flag;
	is_open = false;
	spin_unlock(&doorman_lock);
	return call;
}

static int doorman_close(dev_t dev, int flag, int otyp, cred_t *cred)
{
	u32 call;

	if (!getminor(dev))
		return 0;
	call = close_begins(flag);
	/* A process that is killed closes, too: no signal ends this wait. */
	wait_event_timeout(doorman_queue, !has_bit(READ_ONCE(plan.close_waits), call),
			   PATIENCE);
	spin_lock(&doorman_lock);
	counts.closing--;
	spin_unlock(&doorman_lock);
	return 0;
}

static int doorman_ioctl_plan(void __user *user)
{
	struct doorman_plan new;

	if (copy_from_user(&new, user, sizeof(new)))
		return EFAULT;
	spin_lock(&doorman_lock);
	plan = new;
	counts = (struct doorman_counts){};
	spin_unlock(&doorman_lock);
	wake_up_all(&doorman_queue);
	return 0;
}

static int doorman_ioctl_counts(void __user *user)
{
	struct doorman_counts copy;

	spin_lock(&doorman_lock);
	copy = counts;
	spin_unlock(&doorman_lock);
	return copy_to_user(user, &copy, sizeof(copy)) ? EFAULT : 0;
}

static int doorman_ioctl_let(u32 *waits, u32 call)
{
	if (call >= DOORMAN_CALLS)
		return EINVAL;
	spin_lock(&doorman_lock);
	WRITE_ONCE(*waits, *waits & ~(1U << call));
	spin_unlock(&doorman_lock);
	wake_up_all(&doorman_queue);
	return 0;
}

static int doorman_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred,
			 int *rvalp)
{
	switch ((unsigned int)cmd) {
	case DOORMAN_IOC_PLAN:
		return doorman_ioctl_plan((void __user *)arg);
	case DOORMAN_IOC_COUNTS:
		return doorman_ioctl_counts((void __user *)arg);
	case DOORMAN_IOC_LET_OPEN:
		return doorman_ioctl_let(&plan.open_waits, arg);
	case DOORMAN_IOC_LET_CLOSE:
		return doorman_ioctl_let(&plan.close_waits, arg);
	case DOORMAN_IOC_MODE:
		*rvalp = mode;
		return 0;
	case DOORMAN_IOC_RETURN:
		*rvalp = arg;
		return 0;
	case DOORMAN_IOC_FAIL:
		return arg;
	}
	return ENOTTY;
}

/* It exports nothing. */
static int doorman_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			  size_t *maplen, uint_t model)
{
	return ENXIO;
}

static struct ddi_driver doorman_driver = {
	.minors	= 2,
	.open	= doorman_open,
	.close	= doorman_close,
	.ioctl	= doorman_ioctl,
	.devmap	= doorman_devmap,
};

static struct ddi_driver second_driver = {
	.minors	= 2,
	.ioctl	= doorman_ioctl,
	.devmap	= doorman_devmap,
};

static int __init doorman_init(void)
{
	int err;

	doorman_driver.name = name;
	second_driver.name = again;
	err = ddi_driver_register(&doorman_driver);
	if (err || !again)
		return err;
	err = ddi_driver_register(&second_driver);
	if (err)
		ddi_driver_unregister(&doorman_driver);
	return err;
}
module_init(doorman_init);

static void __exit doorman_exit(void)
{
	ddi_driver_unregister(&second_driver);
	ddi_driver_unregister(&doorman_driver);
}
module_exit(doorman_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver that is slow to open and close, for xxshm's tests");
