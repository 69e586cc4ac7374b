/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the driver "locker" to do: it locks memory of programs, and keeps
 * the cookies in slots.
 */
#ifndef _SELFTESTS_XXSHM_LOCKER_H
#define _SELFTESTS_XXSHM_LOCKER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LOCKER_SLOTS	8

/* How it locks: by ddi_umem_lock(), unless one of these says more. */
#define LOCKER_MEMORY		0x1	/* by umem_lockmemory() */
#define LOCKER_OPS		0x2	/* which has callbacks */
#define LOCKER_UNLOCKS		0x4	/* a cleanup function that unlocks */
#define LOCKER_COUNTS		0x8	/* one that does not */
#define LOCKER_BAD_VERSION	0x10
#define LOCKER_OF_OTHER		0x20	/* for another process */

struct locker_lock {
	__u64 addr;
	__u64 len;
	__s32 flags;
	__u32 slot;
	__u32 how;
	__u32 has_cookie;	/* whatever became of it */
};

struct locker_byte {
	__u64 offset;
	__u32 slot;
	__u32 value;
};

#define LOCKER_IOC_LOCK		_IOWR('l', 1, struct locker_lock)
#define LOCKER_IOC_UNLOCK	_IO('l', 2)	/* a slot */
#define LOCKER_IOC_UNLOCK_LATER	_IO('l', 3)	/* a slot, from a timer */
#define LOCKER_IOC_PEEK		_IOWR('l', 4, struct locker_byte)
#define LOCKER_IOC_POKE		_IOW('l', 5, struct locker_byte)
#define LOCKER_IOC_CLEANUPS	_IO('l', 6)	/* returns how many there were */
#define LOCKER_IOC_FREE		_IO('l', 7)	/* a slot, by ddi_umem_free() */
#define LOCKER_IOC_UNLOCK_IRQS_OFF _IO('l', 8)	/* a slot, with interrupts off */

#endif /* _SELFTESTS_XXSHM_LOCKER_H */
