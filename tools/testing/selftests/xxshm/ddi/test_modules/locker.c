// SPDX-License-Identifier: GPL-2.0-only
/* A driver that locks memory of programs, see locker.h. */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/highmem.h>
#include <linux/init_task.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

#include <xxshm/ddi.h>

#include "locker.h"

/* The one that takes a cookie out of its slot unlocks it, also during the lock. */
static ddi_umem_cookie_t slots[LOCKER_SLOTS];
static DECLARE_BITMAP(locking, LOCKER_SLOTS);
static atomic_t cleanups;

static ddi_umem_cookie_t locker_cookie(unsigned int slot)
{
	return READ_ONCE(slots[slot % LOCKER_SLOTS]);
}

static ddi_umem_cookie_t locker_take(unsigned int slot)
{
	ddi_umem_cookie_t cookie = locker_cookie(slot);

	return cmpxchg(&slots[slot % LOCKER_SLOTS], cookie, NULL) == cookie ? cookie :
		NULL;
}

static void locker_count(ddi_umem_cookie_t *cookiep)
{
	atomic_inc(&cleanups);
}

static void locker_unlock(ddi_umem_cookie_t *cookiep)
{
	ddi_umem_cookie_t cookie = (ddi_umem_cookie_t)cookiep;
	unsigned int i;

	for (i = 0; i < LOCKER_SLOTS; i++) {
		if (cmpxchg(&slots[i], cookie, NULL) != cookie)
			continue;
		atomic_inc(&cleanups);
		ddi_umem_unlock(cookie);
		return;
	}
}

static void locker_expire(struct timer_list *timer);
static DEFINE_TIMER(locker_timer, locker_expire);
static ddi_umem_cookie_t locker_expiring;

static void locker_expire(struct timer_list *timer)
{
	ddi_umem_unlock(locker_expiring);
}

static int locker_lock(const struct locker_lock *lock)
{
	ddi_umem_cookie_t *cookiep = &slots[lock->slot % LOCKER_SLOTS];
	caddr_t addr = (caddr_t)(unsigned long)lock->addr;
	struct umem_callback_ops ops = {
		.cbo_umem_callback_version = lock->how & LOCKER_BAD_VERSION ?
			UMEM_CALLBACK_VERSION + 1 : UMEM_CALLBACK_VERSION,
	};

	if (!(lock->how & LOCKER_MEMORY))
		return ddi_umem_lock(addr, lock->len, lock->flags, cookiep);
	if (lock->how & LOCKER_UNLOCKS)
		ops.cbo_umem_lock_cleanup = locker_unlock;
	if (lock->how & LOCKER_COUNTS)
		ops.cbo_umem_lock_cleanup = locker_count;
	return umem_lockmemory(addr, lock->len, lock->flags, cookiep,
			       lock->how & LOCKER_OPS ? &ops : NULL,
			       lock->how & LOCKER_OF_OTHER ? &init_task : NULL);
}

static int locker_ioctl_unlock(unsigned int cmd, unsigned int slot)
{
	ddi_umem_cookie_t cookie = locker_take(slot);

	if (!cookie)
		return ENOENT;
	switch (cmd) {
	case LOCKER_IOC_UNLOCK:
		ddi_umem_unlock(cookie);
		return 0;
	case LOCKER_IOC_UNLOCK_LATER:
		locker_expiring = cookie;
		mod_timer(&locker_timer, jiffies + 2);
		return 0;
	case LOCKER_IOC_UNLOCK_IRQS_OFF:
		local_irq_disable();
		ddi_umem_unlock(cookie);
		local_irq_enable();
		return 0;
	}
	ddi_umem_free(cookie);
	return 0;
}

static int locker_ioctl_lock(struct locker_lock __user *user)
{
	struct locker_lock lock;
	unsigned int slot;
	int err;

	if (copy_from_user(&lock, user, sizeof(lock)))
		return EFAULT;
	slot = lock.slot % LOCKER_SLOTS;
	if (test_and_set_bit(slot, locking))
		return EBUSY;
	err = locker_cookie(slot) ? EBUSY : locker_lock(&lock);
	lock.has_cookie = !!locker_cookie(slot);
	clear_bit(slot, locking);
	if (!copy_to_user(user, &lock, sizeof(lock)))
		return err;
	if (!err)
		locker_ioctl_unlock(LOCKER_IOC_UNLOCK, lock.slot);
	return EFAULT;
}

static int locker_ioctl_byte(struct locker_byte __user *user, bool poke)
{
	struct locker_byte byte;
	ddi_umem_cookie_t cookie;
	char *address;

	if (copy_from_user(&byte, user, sizeof(byte)))
		return EFAULT;
	cookie = locker_cookie(byte.slot);
	if (!cookie)
		return ENOENT;
	address = kmap_local_page(ddi_umem_pages(cookie)[byte.offset >> PAGE_SHIFT]);
	if (poke)
		address[offset_in_page(byte.offset)] = byte.value;
	else
		byte.value = address[offset_in_page(byte.offset)];
	kunmap_local(address);
	return !poke && copy_to_user(user, &byte, sizeof(byte)) ? EFAULT : 0;
}

static int locker_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred,
			int *rvalp)
{
	void __user *user = (void __user *)arg;

	switch ((unsigned int)cmd) {
	case LOCKER_IOC_LOCK:
		return locker_ioctl_lock(user);
	case LOCKER_IOC_UNLOCK:
	case LOCKER_IOC_UNLOCK_LATER:
	case LOCKER_IOC_UNLOCK_IRQS_OFF:
	case LOCKER_IOC_FREE:
		return locker_ioctl_unlock(cmd, arg);
	case LOCKER_IOC_PEEK:
		return locker_ioctl_byte(user, false);
	case LOCKER_IOC_POKE:
		return locker_ioctl_byte(user, true);
	case LOCKER_IOC_CLEANUPS:
		*rvalp = atomic_read(&cleanups);
		return 0;
	}
	return ENOTTY;
}

/* It exports nothing. */
static int locker_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			 size_t *maplen, uint_t model)
{
	return ENXIO;
}

static struct ddi_driver locker_driver = {
	.name	= "locker",
	.minors	= 1,
	.ioctl	= locker_ioctl,
	.devmap	= locker_devmap,
};

static int __init locker_init(void)
{
	return ddi_driver_register(&locker_driver);
}
module_init(locker_init);

static void __exit locker_exit(void)
{
	unsigned int i;

	timer_delete_sync(&locker_timer);
	for (i = 0; i < LOCKER_SLOTS; i++)
		locker_ioctl_unlock(LOCKER_IOC_UNLOCK, i);
	ddi_driver_unregister(&locker_driver);
}
module_exit(locker_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The other side of xxshm's tests of locked memory");
