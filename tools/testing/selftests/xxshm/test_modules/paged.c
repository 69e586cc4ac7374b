// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the fuzzer: /dev/paged0 has windows as the device has, but each is made
 * of many handles, every other one with all callbacks. That each of them ends is looked
 * at when the module goes.
 */
#include <linux/atomic.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/module.h>

#include <xxshm/ddi.h>

#define PIECE	ptob(16)	/* bytes of a handle, at most */

static unsigned long size = 1;
module_param(size, ulong, 0);

#define WINDOW	ptob(btopr(size))

static ddi_umem_cookie_t paged_cookie;
static atomic_t paged_handles;

static int paged_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off,
		     size_t len, void **pvtp)
{
	atomic_inc(&paged_handles);
	return 0;
}

static int paged_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp,
		     void **new_pvtp)
{
	atomic_inc(&paged_handles);
	return 0;
}

static void paged_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			devmap_cookie_t new_dhp1, void **new_pvtp1,
			devmap_cookie_t new_dhp2, void **new_pvtp2)
{
	atomic_add(!!new_dhp1 + !!new_dhp2 - 1, &paged_handles);
}

static struct devmap_callback_ctl paged_ops = {
	.devmap_rev	= DEVMAP_OPS_REV,
	.devmap_map	= paged_map,
	.devmap_access	= devmap_default_access,
	.devmap_dup	= paged_dup,
	.devmap_unmap	= paged_unmap,
};

static int paged_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len,
			size_t *maplen, uint_t model)
{
	bool is_watched = off / PIECE % 2 == 0;
	offset_t koff = off;

	if (off < 0 || off >= WINDOW || len > WINDOW - off)
		return ENXIO;
	if (ddi_model_convert_from(model) == DDI_MODEL_ILP32)
		koff += WINDOW;
	*maplen = min(len, PIECE - off % PIECE);
	return devmap_umem_setup(dhp, NULL, is_watched ? &paged_ops : NULL,
				 paged_cookie, koff, *maplen, PROT_ALL,
				 is_watched ? DEVMAP_ALLOW_REMAP : 0, NULL);
}

static struct ddi_driver paged_driver = {
	.name	= "paged",
	.minors	= 1,
	.devmap	= paged_devmap,
};

static int __init paged_init(void)
{
	int err;

	ddi_umem_alloc(2 * WINDOW, DDI_UMEM_SLEEP, &paged_cookie);
	if (!paged_cookie)
		return -ENOMEM;
	err = ddi_driver_register(&paged_driver);
	if (err)
		ddi_umem_free(paged_cookie);
	return err;
}
module_init(paged_init);

static void __exit paged_exit(void)
{
	ddi_driver_unregister(&paged_driver);
	ddi_umem_free(paged_cookie);
	WARN(atomic_read(&paged_handles), "%d handles are left",
	     atomic_read(&paged_handles));
}
module_exit(paged_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver of many handles, for xxshm's fuzzer");
