/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells its driver to do, and is told by it. The driver is "probe":
 * it keeps cookies in slots, sets up the handles of a plan when it is mapped, and
 * keeps a record of its callbacks. Loaded with bare=1 it has no segmap(). A second
 * driver, "mute", has devmap() only.
 */
#ifndef _SELFTESTS_XXSHM_PROBE_H
#define _SELFTESTS_XXSHM_PROBE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PROBE_SLOTS	8
#define PROBE_HANDLES	4
#define PROBE_EVENTS	32

/* What ddi_umem_alloc() made: a result of PROBE_ALLOC. */
#define PROBE_HAS_ADDRESS	0x1
#define PROBE_HAS_COOKIE	0x2
#define PROBE_IS_ALIGNED	0x4
#define PROBE_IS_ZEROED		0x8

struct probe_alloc {
	__u64 size;
	__s32 flags;
	__u32 slot;
	__u32 made;
	__u32 unused;
};

/* A byte of the memory, by its kernel address. */
struct probe_byte {
	__u64 offset;
	__u32 slot;
	__u32 value;
};

/* Which callbacks a handle has; PROBE_NONE is a structure without any. */
#define PROBE_MAP	0x1
#define PROBE_ACCESS	0x2
#define PROBE_DUP	0x4
#define PROBE_UNMAP	0x8
#define PROBE_NONE	0x10

/* What devmap() does beside devmap_umem_setup(), and callbacks beside the usual. */
#define PROBE_NO_SETUP		0x1
#define PROBE_TWICE		0x2
#define PROBE_KOFF_IS_OFF	0x4
#define PROBE_ALLOC		0x8	/* the memory, if there is none */
#define PROBE_LP64_ONLY		0x10
#define PROBE_INVALID_CHILD	0x20	/* dup() invalidates the child's handle */
#define PROBE_SWAP		0x40	/* access() remaps to slot 1 */
#define PROBE_SIGNAL		0x80	/* access() once waits for a signal: EINTR */
#define PROBE_UNLOAD_AT_END	0x100	/* unmap() of the whole unloads it first */

/* What segmap() does wrong, and that it does not want to know the address. */
#define PROBE_NO_AS	0x1
#define PROBE_ODD	0x2
#define PROBE_NEGATIVE	0x4
#define PROBE_LONGER	0x8
#define PROBE_AGAIN	0x10
#define PROBE_NO_ADDR	0x20
#define PROBE_ELSEWHERE	0x40	/* a page further; not wrong */

/* One call of devmap(); a length of 0 is all that is left. */
struct probe_handle {
	__s64 koff;
	__u64 len;
	__u64 maplen;		/* what it returns, if not the length */
	__u32 slot;
	__u32 maxprot;
	__u32 flags;
	__u32 callbacks;
	__u32 what;
	__s32 error;		/* what it returns, if not what the setup did */
	__u32 map_error;	/* what map() returns */
	__u32 dup_error;
	__u32 access_error;
	__u32 loads;		/* access() loads the whole handle */
};

struct probe_plan {
	struct probe_handle handle[PROBE_HANDLES];
	__s32 segmap_error;	/* what it returns instead of going on */
	__u32 no_mapping;	/* segmap() returns 0 and does nothing */
	__s32 after_error;	/* what it returns after devmap_setup() */
	__u32 less_prot;	/* segmap() leaves it out of maxprot */
	__u32 segmap;		/* how else it calls devmap_setup() */
	__u32 unused;		/* the size is that of each data model */
};

struct probe_event {
	__s64 off;
	__u64 len;
	__u32 what;		/* one of PROBE_MAP, ... */
	__u32 handle;		/* number of the handle, from 1 */
	__u32 other[2];		/* new_dhp, or new_dhp1 and 2, or 0 */
	__u32 pvt;		/* pvtp, which is a number here */
	__u32 rw;		/* of unmap(): what the unload returned */
};

struct probe_events {
	__u32 count;
	__u32 models;		/* of devmap() */
	struct probe_event event[PROBE_EVENTS];
};

#define PROBE_REMAP		1
#define PROBE_INVALIDATE	2
#define PROBE_LOAD		3
#define PROBE_UNLOAD		4

struct probe_call {
	__s64 off;
	__u64 len;
	__u32 what;
	__u32 handle;
	__u32 slot;
	__u32 maxprot;
	__u32 flags;
	__s32 ret;
};

#define PROBE_IOC_ALLOC		_IOWR('p', 1, struct probe_alloc)
#define PROBE_IOC_FREE		_IO('p', 2)
#define PROBE_IOC_PEEK		_IOWR('p', 3, struct probe_byte)
#define PROBE_IOC_POKE		_IOW('p', 4, struct probe_byte)
#define PROBE_IOC_PLAN		_IOW('p', 5, struct probe_plan)
#define PROBE_IOC_EVENTS	_IOR('p', 6, struct probe_events)
#define PROBE_IOC_CALL		_IOWR('p', 7, struct probe_call)
#define PROBE_IOC_MODE		_IO('p', 8)	/* returns the mode of ioctl() */
#define PROBE_IOC_FAIL		_IO('p', 9)	/* fails with its argument */
#define PROBE_IOC_OPENS		_IO('p', 10)	/* 256 * calls of close() + of open() */

#endif /* _SELFTESTS_XXSHM_PROBE_H */
