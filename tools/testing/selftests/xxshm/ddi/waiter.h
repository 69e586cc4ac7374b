/* SPDX-License-Identifier: GPL-2.0-only */
/* How tests tell the driver waiter what to do. */
#ifndef _SELFTESTS_XXSHM_WAITER_CALLS_H
#define _SELFTESTS_XXSHM_WAITER_CALLS_H

#include <pthread.h>

#include "../within.h"
#include "driver.h"
#include "test_modules/waiter.h"

#define WAITER		"/dev/waiter0"
#define WAITER_SYSFS	"/sys/class/xxshm-driver/waiter0/"

/* Longer than anything takes under emulation, shorter than the driver waits. */
#define SOON	45

static inline int waiter_start(void)
{
	return driver_load("waiter", "") ? -1 : open(WAITER, O_RDWR | O_CLOEXEC);
}

static inline int waiter_plan(int fd, struct waiter_plan plan)
{
	return ioctl(fd, WAITER_IOC_PLAN, &plan);
}

static inline int waiter_close_gate(int fd, __u32 gate)
{
	return waiter_plan(fd, (struct waiter_plan){ .gate = gate });
}

static inline int waiter_open_gate(int fd)
{
	return waiter_close_gate(fd, 0);
}

/* From now on, devmap() copies a page to @addr before it does anything. */
static inline int waiter_copies_to(int fd, const void *addr)
{
	return waiter_plan(fd, (struct waiter_plan){ .copy_to = (unsigned long)addr });
}

static inline int waiter_fails(int fd, int error)
{
	return waiter_plan(fd, (struct waiter_plan){ .error = error });
}

static inline struct waiter_counts waiter_counts(int fd)
{
	struct waiter_counts counts;

	if (ioctl(fd, WAITER_IOC_COUNTS, &counts))
		memset(&counts, 0xff, sizeof(counts));
	return counts;
}

/*
 * Returns 0 as soon as the driver has been told of the end of all that it was told of,
 * -1 if it never is: a mapping that does not come after all ends some seconds later.
 */
static inline int waiter_await_balance(int fd)
{
	struct waiter_counts counts;

	return WITHIN(60, (counts = waiter_counts(fd),
			   counts.maps + counts.dups == counts.unmaps)) - 1;
}

/* Returns 0 as soon as so many threads wait in the driver, -1 if they never do. */
static inline int waiter_await(int fd, __u32 threads)
{
	return WITHIN(SOON / 2, waiter_counts(fd).waiting == threads) - 1;
}

/* One mmap(2) of the node in a thread of its own, and what came of it. */
struct mapper {
	pthread_t thread;
	int fd;
	void *addr;
	size_t len;
	int flags;
	char *map;
	int error;	/* 0 or the errno */
};

static inline void *mapper_run(void *data)
{
	struct mapper *mapper = data;

	mapper->map = mmap(mapper->addr, mapper->len, PROT_READ | PROT_WRITE,
			   MAP_SHARED | mapper->flags, mapper->fd, 0);
	mapper->error = mapper->map == MAP_FAILED ? errno : 0;
	return NULL;
}

static inline int mapper_start(struct mapper *mapper)
{
	return pthread_create(&mapper->thread, NULL, mapper_run, mapper);
}

/* Returns 0, the errno of mmap(2), or -1. */
static inline int mapper_join(struct mapper *mapper)
{
	return pthread_join(mapper->thread, NULL) ? -1 : mapper->error;
}

/* A child that exits with what the scene returns. */
static inline pid_t waiter_start_scene(int fd, int (*scene)(int fd))
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(scene(fd));
	return pid;
}

/*
 * Run one scene in a child. Returns 0, the number of the step that went wrong, or
 * HANGS. A child that hangs is killed.
 */
static inline int waiter_play(int fd, int (*scene)(int fd))
{
	pid_t pid = waiter_start_scene(fd, scene);
	int ret;

	ret = wait_within(SOON, pid);
	if (ret != HANGS)
		return ret;
	waiter_open_gate(fd);
	kill(pid, SIGKILL);
	wait_within(SOON, pid);
	return HANGS;
}

/* When all mappings are gone, unmap() was called for each map() and dup(). */
#define EXPECT_BALANCE(fd, mappings) do {					\
	struct waiter_counts counts = waiter_counts(fd);			\
										\
	EXPECT_EQ(mappings, counts.maps);					\
	EXPECT_EQ(counts.maps + counts.dups, counts.unmaps);			\
	EXPECT_EQ(0, counts.waiting);						\
	EXPECT_EQ(0, read_number(WAITER_SYSFS "charged", ""));			\
} while (0)

#endif /* _SELFTESTS_XXSHM_WAITER_CALLS_H */
