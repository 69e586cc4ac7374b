/* SPDX-License-Identifier: GPL-2.0-only */
/* Exporting memory to programs: devmap(9E), devmap_umem_setup(9F). */
#ifndef _XXSHM_DEVMAP_H
#define _XXSHM_DEVMAP_H

#include <xxshm/model.h>
#include <xxshm/types.h>
#include <xxshm/umem.h>

/* Flags of devmap_umem_setup(). */
#define DEVMAP_DEFAULTS		0x0
#define DEVMAP_MAPPING_INVALID	0x1
#define DEVMAP_ALLOW_REMAP	0x2
/* How the memory is to be cached: kernel memory always is, the others are refused. */
#define IOMEM_DATA_CACHED	0x10000
#define IOMEM_DATA_UC_WR_COMBINE 0x20000
#define IOMEM_DATA_UNCACHED	0x40000

/* What access() is called for, and how the page is touched. */
#define DEVMAP_ACCESS		0
#define DEVMAP_LOCK		2
#define DEVMAP_UNLOCK		3
#define DEVMAP_OTHER		0
#define DEVMAP_READ		1
#define DEVMAP_WRITE		2
#define DEVMAP_EXEC		3

/* What devmap_load() and its like return if they fail. */
#define FC_OBJERR		3
#define FC_NOMAP		5
#define FC_MAKE_ERR(error)	((error) << 8 | FC_OBJERR)

struct as;
struct ddi_handle;

/** typedef ddi_as_handle_t - opaque: the mmap(2) that a driver is called for */
typedef struct as *ddi_as_handle_t;

/** typedef devmap_cookie_t - opaque: a piece of a mapping, over one cookie */
typedef struct ddi_handle *devmap_cookie_t;

/* Means nothing here: kernel memory has the byte order of the machine. */
typedef struct ddi_device_acc_attr {
	unsigned short devacc_attr_version;
	unsigned char devacc_attr_endian_flags;
	unsigned char devacc_attr_dataorder;
} ddi_device_acc_attr_t;

#define DEVMAP_OPS_REV	1

/**
 * struct devmap_callback_ctl - what a driver wants to be told of a mapping
 * @devmap_rev: DEVMAP_OPS_REV
 * @devmap_map: a handle is mapped, from @off on; what is stored in *@pvtp comes
 *	back in the other calls. Anything but 0: mmap(2) is ENXIO
 * @devmap_access: a page of it is touched that was not loaded: call
 *	devmap_default_access(). EINTR: the process handles its signals, then touches
 *	the page again; but if a system call touches the page, that call fails
 *	with EFAULT. Any other value but 0: SIGBUS
 * @devmap_dup: fork(2) has copied it to @new_dhp; *@new_pvtp is at first @pvtp.
 *	Anything but 0: touching it is SIGSEGV in the child
 * @devmap_unmap: @len bytes from @off on are unmapped. The handle goes, or it
 *	becomes what was before them, as @new_dhp1, or what is behind, as
 *	@new_dhp2, or both, one of which is new; *@new_pvtp1 and *@new_pvtp2 are
 *	at first @pvtp
 *
 * As devmap_callback_ctl(9S), devmap_map(9E), devmap_access(9E), devmap_dup(9E)
 * and devmap_unmap(9E). Each may be NULL. The structure is copied.
 *
 * Linux differs: fork(2) cannot fail because of a driver. A range that has been
 * taken to pieces, by mprotect(2) for example, is unmapped piece by piece.
 *
 * @devmap_map runs in the process that maps, and no lock of its address space is held.
 *
 * The others run in the process that touches, forks or unmaps, or in another one that
 * reaches into it or takes it down, with its mmap_lock held: @devmap_access for reading,
 * @devmap_unmap for reading or writing; but never these two at the same time for what
 * one mmap(2) made in a process. They must not touch the memory of the process.
 * @devmap_unmap of a mapping that did not come after all may also run in a worker.
 */
struct devmap_callback_ctl {
	int devmap_rev;
	int (*devmap_map)(devmap_cookie_t dhp, dev_t dev, uint_t flags,
			  offset_t off, size_t len, void **pvtp);
	int (*devmap_access)(devmap_cookie_t dhp, void *pvtp, offset_t off,
			     size_t len, uint_t type, uint_t rw);
	int (*devmap_dup)(devmap_cookie_t dhp, void *pvtp,
			  devmap_cookie_t new_dhp, void **new_pvtp);
	void (*devmap_unmap)(devmap_cookie_t dhp, void *pvtp, offset_t off,
			     size_t len, devmap_cookie_t new_dhp1,
			     void **new_pvtp1, devmap_cookie_t new_dhp2,
			     void **new_pvtp2);
};

int devmap_setup(dev_t dev, offset_t off, ddi_as_handle_t as, caddr_t *addrp,
		 size_t len, uint_t prot, uint_t maxprot, uint_t flags,
		 cred_t *cred);
int ddi_devmap_segmap(dev_t dev, off_t off, ddi_as_handle_t as, caddr_t *addrp,
		      off_t len, uint_t prot, uint_t maxprot, uint_t flags,
		      cred_t *cred);
int devmap_umem_setup(devmap_cookie_t dhp, dev_info_t *dip,
		      struct devmap_callback_ctl *callbackops,
		      ddi_umem_cookie_t cookie, offset_t koff, size_t len,
		      uint_t maxprot, uint_t flags,
		      const ddi_device_acc_attr_t *accattrp);

int devmap_umem_remap(devmap_cookie_t dhp, dev_info_t *dip,
		      ddi_umem_cookie_t cookie, offset_t koff, size_t len,
		      uint_t maxprot, uint_t flags,
		      const ddi_device_acc_attr_t *accattrp);
int devmap_devmem_remap(devmap_cookie_t dhp, dev_info_t *dip, uint_t rnumber,
			offset_t roff, size_t len, uint_t maxprot, uint_t flags,
			const ddi_device_acc_attr_t *accattrp);

int devmap_load(devmap_cookie_t dhp, offset_t off, size_t len, uint_t type,
		uint_t rw);
int devmap_unload(devmap_cookie_t dhp, offset_t off, size_t len);
int devmap_default_access(devmap_cookie_t dhp, void *pvtp, offset_t off,
			  size_t len, uint_t type, uint_t rw);

#endif /* _XXSHM_DEVMAP_H */
