/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzer tells the driver "pinner" to do: to lock memory of programs, and to
 * unlock it, in slots that any process may use at any time.
 */
#ifndef _SELFTESTS_XXSHM_PINNER_H
#define _SELFTESTS_XXSHM_PINNER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINNER_SLOTS	4

/* How it locks: by ddi_umem_lock(), unless one of these says more. */
#define PINNER_MEMORY	0x1	/* by umem_lockmemory() */
#define PINNER_CLEANUP	0x2	/* which has a cleanup function, that unlocks */

struct pinner_lock {
	__u64 addr;
	__u64 len;
	__s32 flags;
	__u32 slot;
	__u32 how;
	__u32 unused;		/* the size is that of each data model */
};

#define PINNER_IOC_LOCK		_IOW('n', 1, struct pinner_lock)
#define PINNER_IOC_UNLOCK	_IO('n', 2)	/* a slot; ENOENT: it is empty */
#define PINNER_IOC_UNLOCK_IRQ	_IO('n', 3)	/* the same, from an interrupt */

#endif /* _SELFTESTS_XXSHM_PINNER_H */
