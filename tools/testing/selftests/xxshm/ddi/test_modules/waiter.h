/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the driver "waiter" to do. Its ioctl() copies a page to the
 * program and holds a mutex meanwhile. devmap() and map() take the same mutex.
 * segmap() and devmap() wait at a gate until the test opens it.
 */
#ifndef _SELFTESTS_XXSHM_WAITER_H
#define _SELFTESTS_XXSHM_WAITER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define WAITER_PAGES	16	/* the longest mapping */
#define WAITER_BYTE	'w'	/* what ioctl() and devmap() copy */

/* Where the gate is closed, and which signals end the wait there with EINTR. */
#define WAITER_IN_SEGMAP	0x1
#define WAITER_IN_DEVMAP	0x2
#define WAITER_KILLABLE		0x4	/* fatal ones */
#define WAITER_INTERRUPTIBLE	0x8	/* all of them */

struct waiter_plan {
	__u64 copy_to;		/* devmap() copies a page to this address, if not 0 */
	__u32 gate;
	__s32 error;		/* what devmap() returns, if not 0 */
};

/* How often the driver was called since it was loaded. */
struct waiter_counts {
	__u32 waiting;		/* threads at the gate or in IOC_MEET now */
	__u32 segmaps;
	__u32 devmaps;
	__u32 maps;
	__u32 dups;
	__u32 unmaps;
};

#define WAITER_IOC_PLAN		_IOW('w', 1, struct waiter_plan)
#define WAITER_IOC_COUNTS	_IOR('w', 2, struct waiter_counts)
#define WAITER_IOC_COPY		_IO('w', 3)	/* to its argument */
#define WAITER_IOC_MEET		_IO('w', 4)	/* likewise, when segmap() is called */

#endif /* _SELFTESTS_XXSHM_WAITER_H */
