// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the fuzzer that locks memory of programs, see pinner.h. Unlike locker.c,
 * which does as it is told, it is right whoever tells it what, and when.
 */
#include <linux/highmem.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include <xxshm/ddi.h>

#include "pinner.h"

/*
 * Who takes the cookie out of a slot is who unlocks it. The mutex is held while one is
 * made, and by who unlocks, but not by the cleanup function, which they may wait for.
 */
static struct pinner_slot {
	struct mutex mutex;	/* of all that follows, but cookie when it goes */
	ddi_umem_cookie_t cookie;
	size_t npages;
	struct irq_work interrupt;
	ddi_umem_cookie_t interrupted;	/* the cookie that it unlocks */
} slots[PINNER_SLOTS];

static void pinner_cleanup(ddi_umem_cookie_t *cookiep)
{
	ddi_umem_cookie_t cookie = (ddi_umem_cookie_t)cookiep;
	unsigned int i;

	for (i = 0; i < PINNER_SLOTS; i++) {
		if (cmpxchg(&slots[i].cookie, cookie, NULL) != cookie)
			continue;
		ddi_umem_unlock(cookie);
		return;
	}
}

static int pinner_lock(struct pinner_slot *slot, const struct pinner_lock *lock)
{
	caddr_t addr = (caddr_t)(unsigned long)lock->addr;
	struct umem_callback_ops ops = {
		.cbo_umem_callback_version	= UMEM_CALLBACK_VERSION,
		.cbo_umem_lock_cleanup		= pinner_cleanup,
	};

	if (READ_ONCE(slot->cookie))
		return EBUSY;
	slot->npages = btop(lock->len);
	if (!(lock->how & PINNER_MEMORY))
		return ddi_umem_lock(addr, lock->len, lock->flags, &slot->cookie);
	return umem_lockmemory(addr, lock->len, lock->flags, &slot->cookie,
			       lock->how & PINNER_CLEANUP ? &ops : NULL, NULL);
}

/* A driver may use the pages until it unlocks them: are they still there? */
static void pinner_use(const struct pinner_slot *slot, ddi_umem_cookie_t cookie)
{
	struct page **pages = ddi_umem_pages(cookie);
	size_t i;
	char *at;

	for (i = 0; i < slot->npages; i++) {
		at = kmap_local_page(pages[i]);
		READ_ONCE(*at);
		kunmap_local(at);
	}
}

static void pinner_interrupt(struct irq_work *work)
{
	ddi_umem_unlock(container_of(work, struct pinner_slot, interrupt)->interrupted);
}

static int pinner_unlock(struct pinner_slot *slot, bool by_interrupt)
{
	ddi_umem_cookie_t cookie;

	mutex_lock(&slot->mutex);
	cookie = xchg(&slot->cookie, NULL);
	if (cookie)
		pinner_use(slot, cookie);
	if (cookie && by_interrupt) {
		slot->interrupted = cookie;
		irq_work_queue(&slot->interrupt);
		irq_work_sync(&slot->interrupt);
	} else if (cookie) {
		ddi_umem_unlock(cookie);
	}
	mutex_unlock(&slot->mutex);
	return cookie ? 0 : ENOENT;
}

static int pinner_ioctl_lock(const struct pinner_lock __user *user)
{
	struct pinner_slot *slot;
	struct pinner_lock lock;
	int err;

	if (copy_from_user(&lock, user, sizeof(lock)))
		return EFAULT;
	slot = &slots[lock.slot % PINNER_SLOTS];
	mutex_lock(&slot->mutex);
	err = pinner_lock(slot, &lock);
	mutex_unlock(&slot->mutex);
	return err;
}

static int pinner_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred,
			int *rvalp)
{
	switch (cmd) {
	case PINNER_IOC_LOCK:
		return pinner_ioctl_lock((void __user *)arg);
	case PINNER_IOC_UNLOCK:
	case PINNER_IOC_UNLOCK_IRQ:
		return pinner_unlock(&slots[(unsigned long)arg % PINNER_SLOTS],
				     cmd == PINNER_IOC_UNLOCK_IRQ);
	}
	return ENOTTY;
}

/* It exports nothing. */
static int pinner_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			 size_t *maplen, uint_t model)
{
	return ENXIO;
}

static struct ddi_driver pinner_driver = {
	.name	= "pinner",
	.minors	= 1,
	.ioctl	= pinner_ioctl,
	.devmap	= pinner_devmap,
};

static int __init pinner_init(void)
{
	unsigned int i;

	for (i = 0; i < PINNER_SLOTS; i++) {
		mutex_init(&slots[i].mutex);
		init_irq_work(&slots[i].interrupt, pinner_interrupt);
	}
	return ddi_driver_register(&pinner_driver);
}
module_init(pinner_init);

static void __exit pinner_exit(void)
{
	unsigned int i;

	for (i = 0; i < PINNER_SLOTS; i++)
		pinner_unlock(&slots[i], false);
	ddi_driver_unregister(&pinner_driver);
}
module_exit(pinner_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver that locks memory, for xxshm's fuzzer");
