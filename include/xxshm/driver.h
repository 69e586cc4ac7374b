/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replacement of dev_ops(9S), cb_ops(9S), modlinkage(9S) and
 * ddi_create_minor_node(9F): a driver names its entry points, and its nodes appear.
 */
#ifndef _XXSHM_DRIVER_H
#define _XXSHM_DRIVER_H

#include <linux/module.h>

#include <xxshm/devmap.h>
#include <xxshm/types.h>

struct ddi_driver_node;

/**
 * struct ddi_driver - the entry points of a ported driver
 * @name: the nodes are /dev/NAME0, /dev/NAME1, ...; not empty; may contain folders
 * @minors: number of nodes, at least 1
 * @open: open(9E), or NULL: called by each open(2), with FREAD, FWRITE and other flags in
 *	@flag, and OTYP_CHR in @otyp. It may not change *@devp. Calls may overlap
 * @close: close(9E), or NULL: called once, when the last file and the last mapping of a
 *	minor are gone and no @open runs. open(2) waits until it returns
 * @ioctl: ioctl(9E), or NULL: @mode has the flags of the file and the data model of the
 *	caller. ioctl(2) returns the value of *@rvalp, which begins as 0. A value from
 *	-4095 to -1 becomes EOVERFLOW, because these values are errnos on Linux
 * @segmap: segmap(9E), or NULL: then mmap(2) calls devmap_setup() directly
 * @devmap: devmap(9E), must be there
 * @node: NULL; belongs to ddi_driver_register()
 *
 * The entry points return 0 or a positive errno, as on Solaris. Any other value becomes
 * ENXIO, and is logged, once for each entry point. They run in the process that made the
 * system call, without the lock of its address space. So they may copy from and to its
 * memory, sleep, and take a mutex that the driver holds elsewhere while it copies. A
 * process that is killed waits for the driver to return.
 */
struct ddi_driver {
	const char *name;
	unsigned int minors;
	int (*open)(dev_t *devp, int flag, int otyp, cred_t *cred);
	int (*close)(dev_t dev, int flag, int otyp, cred_t *cred);
	int (*ioctl)(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred,
		     int *rvalp);
	int (*segmap)(dev_t dev, off_t off, struct as *as, caddr_t *addrp,
		      off_t len, uint_t prot, uint_t maxprot, uint_t flags,
		      cred_t *cred);
	int (*devmap)(dev_t dev, devmap_cookie_t handle, offset_t off,
		      size_t len, size_t *maplen, uint_t model);
	struct ddi_driver_node *node;
};

int __ddi_driver_register(struct ddi_driver *driver, struct module *owner);

/*
 * Register one driver for each module. An open file or a mapping of a node holds the
 * module. If a second registration failed, the module could not undo the first one, whose
 * nodes may be open by then.
 */
#define ddi_driver_register(driver) __ddi_driver_register(driver, THIS_MODULE)

void ddi_driver_unregister(struct ddi_driver *driver);

#endif /* _XXSHM_DRIVER_H */
