/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The contract of xxshm with programs: kernel memory that they share by opening one name.
 * Documentation/userspace-api/xxshm.rst says more.
 */
#ifndef _UAPI_LINUX_XXSHM_H
#define _UAPI_LINUX_XXSHM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: errors of open
 *
 * The kernel finds the node and tests the caller's rights before it asks the
 * device. These flags are ignored: O_APPEND, O_ASYNC, O_CREAT, O_EXCL alone,
 * O_NONBLOCK, O_SYNC, O_TRUNC.
 *
 * ENOENT
 *	The module is not loaded, or has no such instance.
 * ENXIO
 *	There is a node, but no device of that number: somebody made the node by
 *	hand, as in a container, and the module was unloaded or got another number.
 * EACCES
 *	The mode of the node forbids it, the node lies on a file system mounted
 *	nodev, or a security module forbids it.
 * EPERM
 *	The caller's control group does not allow the device. Or O_NOATIME, and
 *	the node belongs to another user.
 * EINVAL
 *	O_DIRECT; or openat2(2) with bits that the kernel does not know.
 * EEXIST
 *	O_CREAT with O_EXCL.
 * ENOTDIR
 *	O_DIRECTORY, O_TMPFILE, or a path that ends with a slash.
 * ELOOP
 *	O_NOFOLLOW, and the path is a symbolic link.
 * EXDEV
 *	openat2(2) with RESOLVE_NO_XDEV or RESOLVE_BENEATH, and the path leads to
 *	another file system, such as /dev, or out of the directory.
 * EMFILE, ENFILE
 *	The process or the machine has too many open files. Opening a pageable
 *	device takes two of fs.file-max, and one descriptor.
 * ENOMEM
 *	There is no memory, or the caller's memory cgroup is at its limit.
 * EINTR
 *	The caller was killed while it waited.
 */

/**
 * DOC: errors of mmap
 *
 * The kernel checks the call first, then the device does: the range, then the
 * sharing, then the protection, then the limit of locked memory. A refused call
 * allocates nothing and costs nothing. There is one exception: a window of more than
 * 16 pages is filled before the call ends. If the kernel then has no memory for the
 * mapping itself, or the limit has been reached meanwhile, the window stays filled.
 * Pageable memory is refused only if the address space has no room, or because of
 * MAP_LOCKED.
 *
 * ENXIO
 *	The range does not lie inside the window.
 * EINVAL
 *	MAP_PRIVATE, or no type; MAP_HUGETLB; MAP_GROWSDOWN; a length of 0; an
 *	offset that is not page aligned; MAP_FIXED and an address that is not.
 * EOPNOTSUPP
 *	MAP_SHARED_VALIDATE with MAP_SYNC, with MAP_FIXED_NOREPLACE (use
 *	MAP_SHARED with that), or with a flag that the kernel does not know.
 *	MAP_SHARED ignores the first and the last.
 * EEXIST
 *	MAP_FIXED_NOREPLACE, and something is mapped at the address.
 * EACCES
 *	PROT_EXEC; PROT_WRITE on a descriptor opened O_RDONLY; anything on one
 *	opened O_WRONLY; or a security module forbids it.
 * EBADF
 *	The descriptor is not open, or was opened with O_PATH.
 * ENOMEM
 *	There is no memory for the window, the window would take more than 7/8 of
 *	the available memory, or the caller's memory cgroup is at its limit. It
 *	may work later. Or the caller's address space has no room for the
 *	mapping: because of its length, RLIMIT_AS or vm.max_map_count.
 * EINTR
 *	The caller was killed while its window was being allocated.
 * EAGAIN
 *	The charges of the caller's user and the length exceed the caller's
 *	RLIMIT_MEMLOCK, and the caller has no CAP_IPC_LOCK. Or, with MAP_LOCKED or
 *	after mlockall(MCL_FUTURE), the length is more than mlock(2) may still
 *	lock.
 * EPERM
 *	PROT_EXEC, and the node's file system is mounted noexec; MAP_LOCKED, and
 *	the caller may not lock memory at all; MAP_FIXED below
 *	vm.mmap_min_addr, or over a mapping that mseal(2) has sealed.
 * EOVERFLOW
 *	The end of the range does not fit into 64 bits.
 */

/**
 * DOC: errors of ioctl
 *
 * The device gives the first four. Layers before the device give the others: a program
 * that gets one of those can still map the device, and ask lseek(2) for its size, unless
 * its descriptor is bad.
 *
 * ENOTTY
 *	The command is not known.
 * EINVAL
 *	The structure is shorter than its first published version.
 * E2BIG
 *	The structure is longer than that of the kernel, and the part that the
 *	kernel does not know is not zero.
 * EFAULT
 *	The pointer is bad.
 * EBADF
 *	The descriptor is not open, or was opened with O_PATH.
 * EACCES
 *	Landlock (since Linux 6.10) or another security module forbids it.
 * ENOSYS
 *	A user-mode emulator, such as qemu-i386, does not know the command.
 * EPERM, or any other
 *	A seccomp filter forbids it, and chooses the errno.
 */

#define XXSHM_IOC_TYPE		0x8E

/* Values of xxshm_info.model: the window that a caller maps. */
#define XXSHM_MODEL_LP64	1	/* 64-bit long and pointers */
#define XXSHM_MODEL_ILP32	2	/* 32-bit long and pointers */

/* Values of xxshm_info.backing: where the bytes live. */
#define XXSHM_BACKING_LOCKED	1	/* in memory, never swapped */
#define XXSHM_BACKING_PAGEABLE	2	/* in memory or in swap, once touched */

/* Bits of xxshm_info.flags. */
#define XXSHM_INFO_ALLOCATED	(1U << 0)	/* the window has all its locked memory */

/**
 * struct xxshm_info - a device as this caller sees it
 * @window_size: size of the caller's window, in bytes
 * @page_size: size of a page of this kernel, in bytes
 * @model: data model of the caller, XXSHM_MODEL_*: mmap(2), called the same way, maps
 *	the window of this model
 * @backing: XXSHM_BACKING_*
 * @flags: XXSHM_INFO_*, about the caller's window; ignore unknown bits
 * @charged: bytes charged as locked memory for all mappings that were made through this
 *	open file, by any process, and still exist
 * @user_locked: bytes charged as locked memory to the caller's user, by this device and
 *	other parts of the kernel; mmap(2) compares this sum and the new length with
 *	RLIMIT_MEMLOCK
 *
 * The structure may grow at its end. A program built with an older header gets the part
 * that it knows. A program built with a newer header finds zeroes in the part that the
 * kernel does not know.
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
 * Fill in a struct xxshm_info. Clear it first: the part that the kernel does not know must
 * be zero, and the rest is ignored.
 */
#define XXSHM_IOC_INFO		_IOWR(XXSHM_IOC_TYPE, 0x00, struct xxshm_info)

#endif /* _UAPI_LINUX_XXSHM_H */
