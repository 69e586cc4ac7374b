// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Solaris driver on Linux: all programs of one data model that map /dev/shared_page0
 * share a page of kernel memory, or several.
 *
 * It is written as on Solaris, with soft state, segmap(9E) and devmap(9E).
 * Documentation/driver-api describes the rest.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/module.h>

#include <xxshm/ddi.h>

static unsigned long size = 1;
module_param(size, ulong, 0444);
MODULE_PARM_DESC(size, "bytes for each data model, rounded up to whole pages (default 1)");

#define WINDOW		ptob(btopr(size))
#define WINDOWS		2

/* One for each minor. */
struct shared_page {
	kmutex_t lock;			/* of cookie */
	ddi_umem_cookie_t cookie;	/* set once, when first mapped */
};

static void *shared_page_state;

/* Returns NULL if the range is not inside a window. No sum overflows. */
static struct shared_page *shared_page_find(dev_t dev, offset_t off, size_t len)
{
	if (off < 0 || off >= WINDOW || !len || len > WINDOW - off)
		return NULL;
	return ddi_get_soft_state(shared_page_state, getminor(dev));
}

/* All windows at once: the first process must not decide for the others. */
static int shared_page_alloc(struct shared_page *sp)
{
	int err = 0;

	mutex_enter(&sp->lock);
	if (!sp->cookie) {
		ddi_umem_alloc(WINDOWS * WINDOW, DDI_UMEM_SLEEP, &sp->cookie);
		if (!sp->cookie)
			err = ENOMEM;
	}
	mutex_exit(&sp->lock);
	return err;
}

/* Nothing is allocated for a request that is refused later. */
static int shared_page_segmap(dev_t dev, off_t off, struct as *as, caddr_t *addrp,
			      off_t len, uint_t prot, uint_t maxprot, uint_t flags,
			      cred_t *cred)
{
	struct shared_page *sp = shared_page_find(dev, off, len);
	int err;

	if (!sp)
		return ENXIO;
	err = shared_page_alloc(sp);
	if (err)
		return err;
	return ddi_devmap_segmap(dev, off, as, addrp, len, prot, maxprot, flags, cred);
}

static int shared_page_devmap(dev_t dev, devmap_cookie_t handle, offset_t off,
			      size_t len, size_t *maplen, uint_t model)
{
	struct shared_page *sp = shared_page_find(dev, off, len);
	offset_t koff = off;

	if (!sp)
		return ENXIO;
	if (ddi_model_convert_from(model) == DDI_MODEL_ILP32)
		koff += WINDOW;
	if (devmap_umem_setup(handle, NULL, NULL, sp->cookie, koff, len,
			      PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_DEFAULTS,
			      NULL) != DDI_SUCCESS)
		return ENXIO;
	*maplen = len;
	return 0;
}

static struct ddi_driver shared_page_driver = {
	.name	= "shared_page",
	.minors	= 1,
	.segmap	= shared_page_segmap,
	.devmap	= shared_page_devmap,
};

/* The work of attach(9E) on Solaris. */
static int __init shared_page_attach(int instance)
{
	struct shared_page *sp;

	if (ddi_soft_state_zalloc(shared_page_state, instance) != DDI_SUCCESS)
		return -ENOMEM;
	sp = ddi_get_soft_state(shared_page_state, instance);
	mutex_init(&sp->lock);
	return 0;
}

static int __init shared_page_init(void)
{
	int err;

	/* Beyond that, the size of all windows would overflow. */
	if (!size || size > LONG_MAX / WINDOWS)
		return -EINVAL;
	err = -ddi_soft_state_init(&shared_page_state, sizeof(struct shared_page), 1);
	if (err)
		return err;
	err = shared_page_attach(0);
	if (!err)
		err = ddi_driver_register(&shared_page_driver);
	if (err)
		ddi_soft_state_fini(&shared_page_state);
	return err;
}
module_init(shared_page_init);

/* No file is open and no page is mapped: each would have kept the module. */
static void __exit shared_page_exit(void)
{
	struct shared_page *sp = ddi_get_soft_state(shared_page_state, 0);

	ddi_driver_unregister(&shared_page_driver);
	ddi_umem_free(sp->cookie);
	ddi_soft_state_fini(&shared_page_state);
}
module_exit(shared_page_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Sample of a ported Solaris driver: a shared page for each data model");
