/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of locked memory: what the driver locker is told to do. */
#ifndef _SELFTESTS_XXSHM_LOCKER_CALLS_H
#define _SELFTESTS_XXSHM_LOCKER_CALLS_H

#include "driver.h"
#include "test_modules/locker.h"

#define LOCKER	"/dev/locker0"

/* As in include/xxshm, which programs cannot include. */
#define DDI_UMEMLOCK_READ	0x1
#define DDI_UMEMLOCK_WRITE	0x2
#define DDI_UMEMLOCK_LONGTERM	0x4

/* By umem_lockmemory(), with a cleanup function that unlocks, or that only counts. */
#define CLEANUP_UNLOCKS	(LOCKER_MEMORY | LOCKER_OPS | LOCKER_UNLOCKS)
#define CLEANUP_COUNTS	(LOCKER_MEMORY | LOCKER_OPS | LOCKER_COUNTS)

/* Returns 0 or an errno; -1 if it failed and the driver has a cookie. */
static inline int locker_do(int fd, struct locker_lock lock)
{
	int err = ioctl(fd, LOCKER_IOC_LOCK, &lock) ? errno : 0;

	return err && lock.has_cookie ? -1 : err;
}

static inline int locker_lock(int fd, __u32 slot, const void *addr, size_t len,
			      int flags)
{
	return locker_do(fd, (struct locker_lock){
		.addr = (unsigned long)addr, .len = len, .flags = flags, .slot = slot,
	});
}

/* With a cleanup function, DDI_UMEMLOCK_LONGTERM. */
static inline int locker_lock_long(int fd, __u32 slot, const void *addr, size_t len,
				   __u32 how)
{
	return locker_do(fd, (struct locker_lock){
		.addr = (unsigned long)addr, .len = len, .slot = slot, .how = how,
		.flags = DDI_UMEMLOCK_WRITE | DDI_UMEMLOCK_LONGTERM,
	});
}

static inline int locker_unlock(int fd, __u32 slot)
{
	return ioctl(fd, LOCKER_IOC_UNLOCK, slot);
}

static inline int locker_peek(int fd, __u32 slot, __u64 offset)
{
	struct locker_byte byte = { .slot = slot, .offset = offset };

	return ioctl(fd, LOCKER_IOC_PEEK, &byte) ? -1 : (int)(byte.value & 0xff);
}

static inline int locker_poke(int fd, __u32 slot, __u64 offset, int value)
{
	struct locker_byte byte = { .slot = slot, .offset = offset, .value = value };

	return ioctl(fd, LOCKER_IOC_POKE, &byte);
}

static inline int locker_cleanups(int fd)
{
	return ioctl(fd, LOCKER_IOC_CLEANUPS);
}

/* All pages that are pinned in this machine. */
static inline long pages_pinned(void)
{
	return read_vmstat("nr_foll_pin_acquired") - read_vmstat("nr_foll_pin_released");
}

#endif /* _SELFTESTS_XXSHM_LOCKER_CALLS_H */
