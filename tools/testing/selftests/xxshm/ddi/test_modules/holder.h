/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the module "holder" to do: as other parts of the kernel do, it reads
 * a page through the page cache, and locks a page. /dev/holder locks one at a time.
 */
#ifndef _SELFTESTS_XXSHM_HOLDER_H
#define _SELFTESTS_XXSHM_HOLDER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* A page of what a file maps, by its index there. */
struct holder_cache {
	__s32 fd;
	__u32 index;
	__u32 as_page;		/* by read_cache_page(), not read_cache_folio() */
	__s32 ret;		/* the first byte of the page, or a negative errno */
	__u64 nrpages;		/* in the page cache afterwards */
};

/* A page of the calling process, by its address. */
struct holder_hold {
	__u64 addr;
	__u64 seconds;		/* it is unlocked then, if it was not before */
};

/* How HOLDER_IOC_FAULT faults. */
#define HOLDER_NO_RETRY	0	/* mmap_lock must not be dropped */
#define HOLDER_TRIED	1	/* it has been dropped before */

struct holder_fault {
	__u64 addr;
	__u64 how;
};

#define HOLDER_IOC_READ		_IOWR('o', 1, struct holder_cache)
#define HOLDER_IOC_LEAVE	_IOWR('o', 2, struct holder_cache) /* a page not read */
#define HOLDER_IOC_HOLD		_IOW('o', 3, struct holder_hold)
#define HOLDER_IOC_LET_GO	_IO('o', 4)	/* ENOENT: it was let go before */
#define HOLDER_IOC_GET_NOWAIT	_IOW('o', 5, __u64) /* an address; returns 1 or 0 */
#define HOLDER_IOC_FAULT	_IOW('o', 6, struct holder_fault)

#endif /* _SELFTESTS_XXSHM_HOLDER_H */
