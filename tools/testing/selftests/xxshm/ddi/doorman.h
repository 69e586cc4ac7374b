/* SPDX-License-Identifier: GPL-2.0-only */
/* How tests tell the driver doorman what to do, and read the kernel's log. */
#ifndef _SELFTESTS_XXSHM_DOORMAN_CALLS_H
#define _SELFTESTS_XXSHM_DOORMAN_CALLS_H

#include <sys/klog.h>

#include "../within.h"
#include "driver.h"
#include "test_modules/doorman.h"

#define DOORMAN		"/dev/doorman0"
#define DOOR		"/dev/doorman1"

/* Longer than anything takes under emulation, shorter than the driver waits. */
#define SOON	45

/* As in include/xxshm. The C library gives some of them the values of Linux. */
#undef FNDELAY
#undef FAPPEND
#undef FNONBLOCK
#define FNDELAY		0x4
#define FAPPEND		0x8
#define FSYNC		0x10
#define FDSYNC		0x40
#define FNONBLOCK	0x80
#define FEXCL		0x400

static inline int doorman_start(void)
{
	return driver_load("doorman", "") ? -1 : open(DOORMAN, O_RDWR | O_CLOEXEC);
}

static inline int doorman_plan(int fd, struct doorman_plan plan)
{
	return ioctl(fd, DOORMAN_IOC_PLAN, &plan);
}

static inline struct doorman_counts doorman_counts(int fd)
{
	struct doorman_counts counts;

	if (ioctl(fd, DOORMAN_IOC_COUNTS, &counts))
		memset(&counts, 0xff, sizeof(counts));
	return counts;
}

/* Returns 0 as soon as open() was called so often, -1 if it never is. */
static inline int doorman_await_opens(int fd, __u32 opens)
{
	return WITHIN(SOON / 2, doorman_counts(fd).opens == opens) - 1;
}

/* A child that opens the door: its exit status is 0 or the errno of open(2). */
static inline pid_t open_in_child(int flags)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(open(DOOR, flags) < 0 ? errno : 0);
	return pid;
}

/* How often the kernel's log has @text since it was cleared. */
static inline int log_count(const char *text)
{
	static char log[1 << 20];
	int len = klogctl(3, log, sizeof(log) - 1), count = 0;
	const char *at;

	if (len < 0)
		return -1;
	log[len] = 0;
	for (at = log; (at = strstr(at, text)); at++)
		count++;
	return count;
}

static inline int log_clear(void)
{
	return klogctl(5, NULL, 0);
}

#endif /* _SELFTESTS_XXSHM_DOORMAN_CALLS_H */
