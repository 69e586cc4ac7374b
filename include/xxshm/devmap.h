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
/* Caching. Kernel memory is always cached: the other two are refused. */
#define IOMEM_DATA_CACHED	0x10000
#define IOMEM_DATA_UC_WR_COMBINE 0x20000
#define IOMEM_DATA_UNCACHED	0x40000

/* The reason of a call of access(), and the kind of access. */
#define DEVMAP_ACCESS		0
#define DEVMAP_LOCK		2
#define DEVMAP_UNLOCK		3
#define DEVMAP_OTHER		0
#define DEVMAP_READ		1
#define DEVMAP_WRITE		2
#define DEVMAP_EXEC		3

/* Errors of devmap_load(), devmap_unload() and devmap_default_access(). */
#define FC_OBJERR		3
#define FC_NOMAP		5
#define FC_MAKE_ERR(error)	((error) << 8 | FC_OBJERR)

struct as;
struct ddi_handle;

/** typedef ddi_as_handle_t - opaque: the mmap(2) for which a driver is called */
typedef struct as *ddi_as_handle_t;

/** typedef devmap_cookie_t - opaque: a piece of a mapping, over one cookie */
typedef struct ddi_handle *devmap_cookie_t;

/* Ignored here: kernel memory has the byte order of the machine. */
typedef struct ddi_device_acc_attr {
	unsigned short devacc_attr_version;
	unsigned char devacc_attr_endian_flags;
	unsigned char devacc_attr_dataorder;
} ddi_device_acc_attr_t;

#define DEVMAP_OPS_REV	1

/**
 * struct devmap_callback_ctl - a driver's callbacks for a mapping
 * @devmap_rev: DEVMAP_OPS_REV
 * @devmap_map: a handle is mapped, from @off on. The value stored in *@pvtp comes back in
 *	the other callbacks. If it does not return 0, mmap(2) is ENXIO
 * @devmap_access: a page is touched that was not loaded: call devmap_default_access(). If
 *	it returns EINTR, the process handles its signals, then touches the page again;
 *	but if a system call touches the page, that call fails with EFAULT. Any other
 *	value but 0 is SIGBUS
 * @devmap_dup: fork(2) has copied the handle to @new_dhp; *@new_pvtp begins as @pvtp. If
 *	it does not return 0, touching the copy is SIGSEGV in the child
 * @devmap_unmap: @len bytes from @off on are unmapped. If pages before them are left,
 *	@new_dhp1 has them; if pages behind them are left, @new_dhp2 has them. If only
 *	one of them is set, it is the handle itself; if both are, the first is the
 *	handle itself and the second is new. *@new_pvtp1 and *@new_pvtp2 begin as @pvtp
 *
 * As devmap_callback_ctl(9S), devmap_map(9E), devmap_access(9E), devmap_dup(9E)
 * and devmap_unmap(9E). Each may be NULL. The structure is copied.
 *
 * Different from Solaris: fork(2) cannot fail because of a driver. A range that was
 * split, by mprotect(2) for example, is unmapped piece by piece.
 *
 * @devmap_map runs in the process that maps, without the lock of its address space.
 *
 * The others run in the process that touches, forks or unmaps, or in another process that
 * reaches into it or ends it. mmap_lock of the process is held: for reading in
 * @devmap_access, for reading or writing in @devmap_unmap. For one mapping in one process,
 * these two never run at the same time. They must not touch the memory of the process.
 * @devmap_unmap of a mapping that was never made may also run in a worker.
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
