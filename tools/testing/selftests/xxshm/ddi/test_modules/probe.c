// SPDX-License-Identifier: GPL-2.0-only
/* The driver on the other side of the tests of the driver face, see probe.h. */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <xxshm/ddi.h>

#include "probe.h"

static bool bare;
module_param(bare, bool, 0);

static DEFINE_MUTEX(probe_lock);	/* of events and handles */
static struct probe_events events;
static devmap_cookie_t handles[64];	/* by number - 1 */

/* One program at a time changes these: the tests wait for each other. */
static struct {
	void *address;
	ddi_umem_cookie_t cookie;
} slots[PROBE_SLOTS];
static struct probe_plan plan;
static unsigned int step;
static unsigned int opens, closes;
static unsigned int waits;	/* for a signal, that this plan had */

/* What is not known yet gets the lowest number that is free. */
static unsigned int number_of(devmap_cookie_t dhp)
{
	unsigned int i, free = 0;

	for (i = ARRAY_SIZE(handles); dhp && i; i--) {
		if (handles[i - 1] == dhp)
			return i;
		if (!handles[i - 1])
			free = i;
	}
	if (free)
		handles[free - 1] = dhp;
	return free;
}

static void record(struct probe_event event)
{
	if (events.count < PROBE_EVENTS)
		events.event[events.count] = event;
	events.count++;
}

/* What a plan says of a handle stays with it: pvtp is its place in the plan. */
static const struct probe_handle *planned(void *pvtp)
{
	return &plan.handle[(unsigned long)pvtp % 16 % PROBE_HANDLES];
}

static int probe_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off,
		     size_t len, void **pvtp)
{
	static unsigned long place;
	int ret;

	mutex_lock(&probe_lock);
	place = off == 0 ? 0 : place + 1;
	*pvtp = (void *)(16 + place % PROBE_HANDLES);
	ret = planned(*pvtp)->map_error;
	record((struct probe_event){
		.what = PROBE_MAP, .handle = number_of(dhp), .off = off, .len = len,
		.pvt = (unsigned long)*pvtp, .rw = flags,
	});
	mutex_unlock(&probe_lock);
	return ret;
}

/* As a driver does that waits for the turn of a process. */
static int probe_wait_for_signal(void)
{
	while (!signal_pending(current))
		schedule_timeout_interruptible(HZ);
	return EINTR;
}

static int probe_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			uint_t type, uint_t rw)
{
	const struct probe_handle *handle = planned(pvtp);

	mutex_lock(&probe_lock);
	record((struct probe_event){
		.what = PROBE_ACCESS, .handle = number_of(dhp), .off = off,
		.len = len, .pvt = (unsigned long)pvtp, .rw = rw,
	});
	mutex_unlock(&probe_lock);
	if (handle->access_error)
		return handle->access_error;
	if (handle->what & PROBE_SIGNAL && !waits++)
		return probe_wait_for_signal();
	if (handle->what & PROBE_SWAP &&
	    devmap_umem_remap(dhp, NULL, slots[1].cookie, 0, handle->len,
			      handle->maxprot, 0, NULL))
		return EIO;
	return devmap_default_access(dhp, pvtp, handle->loads ? 0 : off,
				     handle->loads ? 0 : len, type, rw);
}

static int probe_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp,
		     void **new_pvtp)
{
	mutex_lock(&probe_lock);
	*new_pvtp = (char *)pvtp + 16;
	record((struct probe_event){
		.what = PROBE_DUP, .handle = number_of(dhp),
		.other = { number_of(new_dhp) }, .pvt = (unsigned long)pvtp,
	});
	mutex_unlock(&probe_lock);
	if (planned(pvtp)->what & PROBE_INVALID_CHILD)
		return devmap_devmem_remap(new_dhp, NULL, 0, 0, 0, 0,
					   DEVMAP_MAPPING_INVALID, NULL);
	return planned(pvtp)->dup_error;
}

static void probe_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			devmap_cookie_t new_dhp1, void **new_pvtp1,
			devmap_cookie_t new_dhp2, void **new_pvtp2)
{
	bool goes = !new_dhp1 && !new_dhp2;
	unsigned int number;
	int ret = 0;

	if (goes && planned(pvtp)->what & PROBE_UNLOAD_AT_END)
		ret = devmap_unload(dhp, off, len);
	mutex_lock(&probe_lock);
	number = number_of(dhp);
	record((struct probe_event){
		.what = PROBE_UNMAP, .handle = number, .off = off, .len = len,
		.other = { number_of(new_dhp1), number_of(new_dhp2) },
		.pvt = (unsigned long)pvtp, .rw = ret,
	});
	if (new_pvtp1)
		*new_pvtp1 = (char *)pvtp + 32;
	if (new_pvtp2)
		*new_pvtp2 = (char *)pvtp + 64;
	/* The next one may have the same address. */
	if (goes && number)
		handles[number - 1] = NULL;
	mutex_unlock(&probe_lock);
}

static bool is_zeroed(const char *from, size_t len)
{
	return !memchr_inv(from, 0, len);
}

static int probe_alloc(struct probe_alloc *alloc)
{
	typeof(*slots) *slot = &slots[alloc->slot % PROBE_SLOTS];

	ddi_umem_free(slot->cookie);
	slot->cookie = (ddi_umem_cookie_t)-1L;
	slot->address = ddi_umem_alloc(alloc->size, alloc->flags, &slot->cookie);
	alloc->made = (slot->address ? PROBE_HAS_ADDRESS : 0) |
		      (slot->cookie ? PROBE_HAS_COOKIE : 0);
	if (slot->address && PAGE_ALIGNED(slot->address))
		alloc->made |= PROBE_IS_ALIGNED;
	if (slot->address && is_zeroed(slot->address, PAGE_ALIGN(alloc->size)))
		alloc->made |= PROBE_IS_ZEROED;
	return 0;
}

static int probe_setup(devmap_cookie_t dhp, const struct probe_handle *handle,
		       offset_t off, size_t len)
{
	/* On the stack: it is copied. */
	struct devmap_callback_ctl ops = {
		.devmap_rev	= DEVMAP_OPS_REV,
		.devmap_map	= handle->callbacks & PROBE_MAP ? probe_map : NULL,
		.devmap_access	= handle->callbacks & PROBE_ACCESS ? probe_access : NULL,
		.devmap_dup	= handle->callbacks & PROBE_DUP ? probe_dup : NULL,
		.devmap_unmap	= handle->callbacks & PROBE_UNMAP ? probe_unmap : NULL,
	};

	return devmap_umem_setup(dhp, NULL, handle->callbacks ? &ops : NULL,
				 slots[handle->slot % PROBE_SLOTS].cookie,
				 handle->what & PROBE_KOFF_IS_OFF ? off : handle->koff,
				 len, handle->maxprot, handle->flags, NULL);
}

static int probe_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			size_t *maplen, uint_t model)
{
	const struct probe_handle *handle = &plan.handle[step++ % PROBE_HANDLES];
	size_t part = handle->len ?: len;
	int ret = 0;

	mutex_lock(&probe_lock);
	events.models |= ddi_model_convert_from(model) == DDI_MODEL_ILP32 ?
		DDI_MODEL_ILP32 : model;
	mutex_unlock(&probe_lock);
	if (handle->what & PROBE_LP64_ONLY &&
	    ddi_model_convert_from(model) == DDI_MODEL_ILP32)
		return EINVAL;
	if (handle->what & PROBE_ALLOC && !slots[handle->slot % PROBE_SLOTS].cookie)
		probe_alloc(&(struct probe_alloc){
			.slot = handle->slot, .size = part, .flags = DDI_UMEM_PAGEABLE,
		});
	if (!(handle->what & PROBE_NO_SETUP))
		ret = probe_setup(dhp, handle, off, part);
	if (!ret && handle->what & PROBE_TWICE)
		ret = probe_setup(dhp, handle, off, part);
	*maplen = handle->maplen ?: part;
	if (handle->maplen == ~0ULL)
		*maplen = 0;
	return handle->error ?: ret;
}

static int probe_segmap_otherwise(dev_t dev, offset_t off, struct as *as,
				  caddr_t *addrp, size_t len, uint_t prot,
				  uint_t maxprot)
{
	int err;

	if (plan.segmap & PROBE_NO_AS)
		as = NULL;
	if (plan.segmap & PROBE_ODD)
		off++;
	if (plan.segmap & PROBE_NEGATIVE)
		off -= PAGE_SIZE;
	if (plan.segmap & PROBE_ELSEWHERE)
		off += PAGE_SIZE;
	if (plan.segmap & PROBE_LONGER)
		len += PAGE_SIZE;
	if (plan.segmap & PROBE_NO_ADDR)
		addrp = NULL;
	err = devmap_setup(dev, off, as, addrp, len, prot, maxprot, MAP_SHARED, NULL);
	if (!err && plan.segmap & PROBE_AGAIN)
		err = devmap_setup(dev, off, as, addrp, len, prot, maxprot, MAP_SHARED,
				   NULL);
	return err;
}

static int probe_segmap(dev_t dev, off_t off, struct as *as, caddr_t *addrp, off_t len,
			uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred)
{
	int err;

	step = 0;
	if (plan.segmap_error || plan.no_mapping)
		return plan.segmap_error;
	if (plan.segmap)
		return probe_segmap_otherwise(dev, off, as, addrp, len, prot, maxprot);
	if (plan.less_prot)
		return devmap_setup(dev, off, as, addrp, len, prot,
				    maxprot & ~plan.less_prot, flags, cred);
	err = ddi_devmap_segmap(dev, off, as, addrp, len, prot, maxprot, flags, cred);
	return err ?: plan.after_error;
}

static int probe_open(dev_t *devp, int flag, int otyp, cred_t *cred)
{
	opens++;
	/* As a driver that clones: such a node is not there. */
	if (getminor(*devp) == 2)
		*devp += 100;
	if (getminor(*devp) == 3)
		return -1;
	return getminor(*devp) == 1 ? EBUSY : 0;
}

static int probe_close(dev_t dev, int flag, int otyp, cred_t *cred)
{
	closes++;
	return 0;
}

static void probe_free(unsigned int slot)
{
	ddi_umem_free(slots[slot % PROBE_SLOTS].cookie);
	slots[slot % PROBE_SLOTS].cookie = NULL;
	slots[slot % PROBE_SLOTS].address = NULL;
}

static int probe_call(struct probe_call *call)
{
	devmap_cookie_t dhp;

	if (!call->handle || call->handle > ARRAY_SIZE(handles) ||
	    !handles[call->handle - 1])
		return ENOENT;
	dhp = handles[call->handle - 1];
	/* The driver is called back: the lock is not held here. */
	switch (call->what) {
	case PROBE_REMAP:
		call->ret = devmap_umem_remap(dhp, NULL,
					      slots[call->slot % PROBE_SLOTS].cookie,
					      call->off, call->len, call->maxprot,
					      call->flags, NULL);
		return 0;
	case PROBE_INVALIDATE:
		call->ret = devmap_devmem_remap(dhp, NULL, 0, 0, call->len,
						call->maxprot, call->flags, NULL);
		return 0;
	case PROBE_LOAD:
		call->ret = devmap_load(dhp, call->off, call->len, DEVMAP_ACCESS,
					DEVMAP_READ);
		return 0;
	case PROBE_UNLOAD:
		call->ret = devmap_unload(dhp, call->off, call->len);
		return 0;
	}
	return EINVAL;
}

static union {
	struct probe_alloc alloc;
	struct probe_byte byte;
	struct probe_call call;
	struct probe_events events;
} argument;

/* Not straight to the program: a page fault may wait for a callback. */
static void take_events(struct probe_events *taken)
{
	mutex_lock(&probe_lock);
	*taken = events;
	memset(&events, 0, sizeof(events));
	mutex_unlock(&probe_lock);
}

static int probe_do(unsigned int cmd, intptr_t arg, int mode, int *rvalp)
{
	char *address;

	switch (cmd) {
	case PROBE_IOC_ALLOC:
		return probe_alloc(&argument.alloc);
	case PROBE_IOC_FREE:
		probe_free(arg);
		return 0;
	case PROBE_IOC_PEEK:
	case PROBE_IOC_POKE:
		address = slots[argument.byte.slot % PROBE_SLOTS].address;
		if (!address)
			return ENOENT;
		if (cmd == PROBE_IOC_PEEK)
			argument.byte.value = address[argument.byte.offset];
		else
			address[argument.byte.offset] = argument.byte.value;
		return 0;
	case PROBE_IOC_CALL:
		return probe_call(&argument.call);
	case PROBE_IOC_MODE:
		*rvalp = mode;
		return 0;
	case PROBE_IOC_FAIL:
		return arg;
	case PROBE_IOC_OPENS:
		*rvalp = 256 * closes + opens;
		return 0;
	}
	return ENOTTY;
}

static int probe_ioctl(dev_t dev, int command, intptr_t arg, int mode, cred_t *cred,
		       int *rvalp)
{
	/* As an int, half of them are negative. */
	unsigned int cmd = command;
	void __user *user = (void __user *)arg;
	size_t size = _IOC_SIZE(cmd);
	int err;

	if (cmd == PROBE_IOC_PLAN) {
		waits = 0;
		return copy_from_user(&plan, user, sizeof(plan)) ? EFAULT : 0;
	}
	if (cmd == PROBE_IOC_EVENTS) {
		take_events(&argument.events);
		return copy_to_user(user, &argument.events, size) ? EFAULT : 0;
	}
	if (size > sizeof(argument) ||
	    (_IOC_DIR(cmd) & _IOC_WRITE && copy_from_user(&argument, user, size)))
		return EFAULT;
	err = probe_do(cmd, arg, mode, rvalp);
	if (!err && _IOC_DIR(cmd) & _IOC_READ && copy_to_user(user, &argument, size))
		return EFAULT;
	return err;
}

static struct ddi_driver probe_driver = {
	.name	= "probe",
	.minors	= 4,
	.open	= probe_open,
	.close	= probe_close,
	.ioctl	= probe_ioctl,
	.segmap	= probe_segmap,
	.devmap	= probe_devmap,
};

static struct ddi_driver mute_driver = {
	.name	= "mute",
	.minors	= 1,
	.devmap	= probe_devmap,
};

static int __init probe_init(void)
{
	int err;

	if (bare)
		probe_driver.segmap = NULL;
	err = ddi_driver_register(&mute_driver);
	if (err)
		return err;
	err = ddi_driver_register(&probe_driver);
	if (err)
		ddi_driver_unregister(&mute_driver);
	return err;
}
module_init(probe_init);

static void __exit probe_exit(void)
{
	unsigned int i;

	ddi_driver_unregister(&probe_driver);
	ddi_driver_unregister(&mute_driver);
	for (i = 0; i < PROBE_SLOTS; i++)
		ddi_umem_free(slots[i].cookie);
}
module_exit(probe_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The other side of xxshm's tests of the driver face");
