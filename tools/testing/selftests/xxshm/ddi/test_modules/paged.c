// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the fuzzer: /dev/paged0 has windows as the device has, but each is made
 * of many handles, every other one with all callbacks. What these show the fuzzer tells
 * it, see paged.h. That each of them ends is looked at when the module goes.
 */
#include <linux/init.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <xxshm/ddi.h>

#include "paged.h"

#define PIECE	ptob(16)	/* bytes of a handle, at most */

static unsigned long size = 1;
module_param(size, ulong, 0);

#define WINDOW	ptob(btopr(size))

static ddi_umem_cookie_t paged_cookie, paged_trash;

/* A handle that has callbacks. */
struct paged_handle {
	struct list_head entry;
	devmap_cookie_t dhp;
	offset_t off;
	size_t len;
	offset_t window;	/* where it begins in the memory */
};

/*
 * Held while something is done to a handle: no handle goes before unmap() has had it.
 * That comes with the mmap_lock held, so under this one no program's memory is touched.
 */
static DEFINE_MUTEX(paged_mutex);
static LIST_HEAD(paged_handles);

/* unmap() has no way to fail. */
static struct paged_handle *paged_add(devmap_cookie_t dhp, offset_t off, size_t len,
				      offset_t window)
{
	struct paged_handle *handle = kmalloc(sizeof(*handle), GFP_KERNEL | __GFP_NOFAIL);

	*handle = (struct paged_handle){
		.dhp = dhp, .off = off, .len = len, .window = window,
	};
	mutex_lock(&paged_mutex);
	list_add(&handle->entry, &paged_handles);
	mutex_unlock(&paged_mutex);
	return handle;
}

static int paged_map_lp64(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off,
			  size_t len, void **pvtp)
{
	*pvtp = paged_add(dhp, off, len, 0);
	return 0;
}

static int paged_map_ilp32(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off,
			   size_t len, void **pvtp)
{
	*pvtp = paged_add(dhp, off, len, WINDOW);
	return 0;
}

/* That a handle is invalid is told by the page fault: SIGSEGV, as without access(). */
static int paged_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			uint_t type, uint_t rw)
{
	int ret = devmap_default_access(dhp, pvtp, off, len, type, rw);

	return ret == FC_NOMAP ? 0 : ret;
}

static int paged_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp,
		     void **new_pvtp)
{
	const struct paged_handle *handle = pvtp;

	*new_pvtp = paged_add(new_dhp, handle->off, handle->len, handle->window);
	return 0;
}

/* It still exists: with the pages before the hole, or all remaining pages. */
static void paged_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			devmap_cookie_t new_dhp1, void **new_pvtp1,
			devmap_cookie_t new_dhp2, void **new_pvtp2)
{
	struct paged_handle *handle = pvtp;
	offset_t after = off + len;
	size_t left = handle->off + handle->len - after;

	mutex_lock(&paged_mutex);
	if (new_dhp1) {
		handle->len = off - handle->off;
	} else if (new_dhp2) {
		handle->off = after;
		handle->len = left;
	} else {
		list_del(&handle->entry);
	}
	mutex_unlock(&paged_mutex);
	if (new_dhp1 && new_dhp2)
		*new_pvtp2 = paged_add(new_dhp2, after, left, handle->window);
	else if (!new_dhp1 && !new_dhp2)
		kfree(handle);
}

static struct devmap_callback_ctl paged_ops[] = { {
	.devmap_rev	= DEVMAP_OPS_REV,
	.devmap_map	= paged_map_lp64,
	.devmap_access	= paged_access,
	.devmap_dup	= paged_dup,
	.devmap_unmap	= paged_unmap,
}, {
	.devmap_rev	= DEVMAP_OPS_REV,
	.devmap_map	= paged_map_ilp32,
	.devmap_access	= paged_access,
	.devmap_dup	= paged_dup,
	.devmap_unmap	= paged_unmap,
} };

static bool paged_is_ilp32(model_t model)
{
	return ddi_model_convert_from(model) == DDI_MODEL_ILP32;
}

static int paged_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			size_t *maplen, uint_t model)
{
	bool is_watched = off / PIECE % 2 == 0, is_ilp32 = paged_is_ilp32(model);

	if (off < 0 || off >= WINDOW || len > WINDOW - off)
		return ENXIO;
	*maplen = min(len, PIECE - off % PIECE);
	return devmap_umem_setup(dhp, NULL, is_watched ? &paged_ops[is_ilp32] : NULL,
				 paged_cookie, is_ilp32 * WINDOW + off, *maplen, PROT_ALL,
				 is_watched ? DEVMAP_ALLOW_REMAP : 0, NULL);
}

static int paged_call(const struct paged_handle *handle, const struct paged_call *call)
{
	switch (call->what) {
	case PAGED_TRASH:
		return devmap_umem_remap(handle->dhp, NULL, paged_trash, 0, handle->len,
					 call->maxprot, 0, NULL);
	case PAGED_BACK:
		return devmap_umem_remap(handle->dhp, NULL, paged_cookie,
					 handle->window + handle->off, handle->len,
					 call->maxprot, 0, NULL);
	case PAGED_INVALIDATE:
		return devmap_devmem_remap(handle->dhp, NULL, 0, 0, 0, 0,
					   DEVMAP_MAPPING_INVALID, NULL);
	case PAGED_LOAD:
		return devmap_load(handle->dhp, call->off, call->len, DEVMAP_ACCESS,
				   DEVMAP_READ);
	case PAGED_UNLOAD:
		return devmap_unload(handle->dhp, call->off, call->len);
	}
	return DDI_FAILURE;
}

static int paged_ioctl_call(const struct paged_call __user *user, offset_t window,
			    int *rvalp)
{
	struct paged_handle *handle;
	struct paged_call call;
	int err = 0;

	if (copy_from_user(&call, user, sizeof(call)))
		return EFAULT;
	mutex_lock(&paged_mutex);
	list_for_each_entry(handle, &paged_handles, entry) {
		if (handle->window != window || call.off - handle->off >= handle->len)
			continue;
		if (paged_call(handle, &call))
			err = EINVAL;
		++*rvalp;
	}
	mutex_unlock(&paged_mutex);
	return err;
}

static int paged_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred,
		       int *rvalp)
{
	if (cmd != PAGED_IOC_CALL)
		return ENOTTY;
	return paged_ioctl_call((void __user *)arg, paged_is_ilp32(mode) * WINDOW, rvalp);
}

static struct ddi_driver paged_driver = {
	.name	= "paged",
	.minors	= 1,
	.ioctl	= paged_ioctl,
	.devmap	= paged_devmap,
};

static void paged_free(void)
{
	ddi_umem_free(paged_trash);
	ddi_umem_free(paged_cookie);
}

static int __init paged_init(void)
{
	int err;

	ddi_umem_alloc(2 * WINDOW, DDI_UMEM_SLEEP, &paged_cookie);
	ddi_umem_alloc(PIECE, DDI_UMEM_SLEEP | DDI_UMEM_TRASH, &paged_trash);
	err = paged_cookie && paged_trash ? ddi_driver_register(&paged_driver) : -ENOMEM;
	if (err)
		paged_free();
	return err;
}
module_init(paged_init);

static void __exit paged_exit(void)
{
	ddi_driver_unregister(&paged_driver);
	paged_free();
	WARN(!list_empty(&paged_handles), "handles are left");
}
module_exit(paged_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver of many handles, for xxshm's fuzzer");
