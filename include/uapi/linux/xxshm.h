/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The user contract of xxshm: memory of the kernel shared by opening one name.
 * Documentation/userspace-api/xxshm.rst says more.
 */
#ifndef _UAPI_LINUX_XXSHM_H
#define _UAPI_LINUX_XXSHM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: errors of mmap
 *
 * The kernel looks at the call first, then the device: at the range, then the
 * sharing, then the protection, then the limit of locked memory. A refused call
 * allocates nothing and costs nothing. Pageable memory is refused for want of room
 * in the address space only, and for what MAP_LOCKED meets.
 *
 * ENXIO
 *	The range does not lie inside the window.
 * EINVAL
 *	MAP_PRIVATE; a length of 0; an offset that is not page aligned.
 * EACCES
 *	PROT_EXEC; PROT_WRITE on a descriptor opened O_RDONLY; anything on one
 *	opened O_WRONLY.
 * ENOMEM
 *	There is no memory for the window, it would take more than 7/8 of what
 *	is available, or the caller's memory cgroup is at its limit; later it
 *	may work. Or the caller's address space has no room for the mapping.
 * EINTR
 *	The caller was killed while its window was being allocated.
 * EAGAIN
 *	The length, added to what is charged to the caller's user already, is
 *	more than the caller's RLIMIT_MEMLOCK, and the caller has no
 *	CAP_IPC_LOCK. Or, with MAP_LOCKED or after mlockall(MCL_FUTURE), the
 *	length is more than what mlock(2) may still lock.
 * EPERM
 *	PROT_EXEC, and the node's file system is mounted noexec; or MAP_LOCKED,
 *	and the caller may not lock memory at all.
 * EOVERFLOW
 *	The end of the range is beyond what 64 bits can count.
 */

/**
 * DOC: errors of ioctl
 *
 * ENOTTY
 *	The command is not known.
 * EINVAL
 *	The structure is shorter than its first published version.
 * E2BIG
 *	The structure is longer than the kernel's, and the part that the kernel
 *	does not know is not zero.
 * EFAULT
 *	The pointer is bad.
 */

#define XXSHM_IOC_TYPE		0x8E

/* Values of xxshm_info.model: which window a caller maps. */
#define XXSHM_MODEL_LP64	1	/* 64-bit long and pointers */
#define XXSHM_MODEL_ILP32	2	/* 32-bit long and pointers */

/* Values of xxshm_info.backing: where the bytes live. */
#define XXSHM_BACKING_LOCKED	1	/* in memory, never swapped */
#define XXSHM_BACKING_PAGEABLE	2	/* in memory or in swap, once touched */

/* Bits of xxshm_info.flags. */
#define XXSHM_INFO_ALLOCATED	(1U << 0)	/* it has all its memory, locked */

/**
 * struct xxshm_info - what the device is for this caller
 * @window_size: size of the caller's window, in bytes
 * @page_size: size of a page of this kernel, in bytes
 * @model: data model of the caller, XXSHM_MODEL_*; it says which window
 *	mmap(2) would map if called the same way
 * @backing: XXSHM_BACKING_*
 * @flags: XXSHM_INFO_*, about the caller's window; ignore bits not known
 * @charged: bytes charged as locked memory for the mappings that were made
 *	through this descriptor, by whomever, and are still there
 * @user_locked: bytes charged as locked memory to the caller's user in all, by
 *	this device and others; mmap(2) tests this sum and the new length
 *	against RLIMIT_MEMLOCK
 *
 * The structure may grow at its end. A program built with an older header gets
 * the part it knows, one built with a newer header finds zeroes in the part
 * that the kernel does not know.
 */
struct xxshm_info {
	__aligned_u64 window_size;
	__u32 page_size;
	__u32 model;
	__u32 backing;
	__u32 flags;
	__aligned_u64 charged;
	__aligned_u64 user_locked;
};

#define XXSHM_INFO_SIZE_VER0	40	/* sizeof the first published struct */

/*
 * Fill in a struct xxshm_info. On entry, what the kernel does not know of it must
 * be zero, and the rest is ignored: clear it first.
 */
#define XXSHM_IOC_INFO		_IOWR(XXSHM_IOC_TYPE, 0x00, struct xxshm_info)

#endif /* _UAPI_LINUX_XXSHM_H */
