/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slow first mmap(2) of a window, and other actions meanwhile.
 *
 * A slow process has the lowest priority, and shares processor 0 with a busy
 * process. It gets a sixth of that processor at first, a hundredth as soon as the
 * busy process takes all, and all of it when the test ends the busy process. The
 * test and all other threads run on processor 1.
 */
#ifndef _SELFTESTS_XXSHM_FILL_H
#define _SELFTESTS_XXSHM_FILL_H

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "device.h"
#include "meet.h"
#include "within.h"

static inline void set_nice(pid_t pid, int nice)
{
	if (setpriority(PRIO_PROCESS, pid, nice))
		perror("setpriority");
}

static inline pid_t busy_start(void)
{
	pid_t pid = fork_bound();

	if (pid)
		return pid;
	pin(0);
	set_nice(0, 12);
	for (;;)
		;
}

static inline void busy_take_all(pid_t pid)
{
	set_nice(pid, 0);
}

/* The calling thread only: other threads of the process may be fast. */
static inline void be_slow(void)
{
	pin(0);
	set_nice(0, 19);
}

/* Has the page cache grown by this many bytes? */
static inline int has_grown(long before, size_t bytes)
{
	return cached_pages() >= before + (long)(bytes / page_size());
}

/* A process that maps a page while its other threads do something else. */
struct crew {
	int fd;
	const char *cgroup;		/* the process enters it, unless NULL */
	int is_slow;
	volatile int is_mapping;
	volatile int may_work;		/* the worker begins */
	volatile long rounds;		/* of the worker */
	volatile int may_leave;		/* one thread exits */
	volatile pid_t leaver;		/* this one */
};

/* In memory that the test shares with the process. */
static inline struct crew *crew_new(int fd)
{
	struct crew *crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (crew == MAP_FAILED)
		return NULL;
	crew->fd = fd;
	return crew;
}

/* Map, touch and unmap some memory again and again. */
static inline void *crew_work(void *data)
{
	const size_t len = 1 << 16;
	struct crew *crew = data;

	pin(1);
	while (!crew->may_work)
		usleep(1000);
	for (;;) {
		char *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (map == MAP_FAILED)
			return NULL;
		map[0] = 1;
		munmap(map, len);
		crew->rounds++;
		usleep(1000);
	}
}

static inline void *crew_leave(void *data)
{
	struct crew *crew = data;

	pin(1);
	crew->leaver = syscall(SYS_gettid);
	while (!crew->may_leave)
		usleep(1000);
	return NULL;
}

/* Returns 0 or the errno of mmap(2), as exit statuses. */
static inline int crew_map(struct crew *crew)
{
	pthread_t worker, leaver;

	if (pthread_create(&worker, NULL, crew_work, crew) ||
	    pthread_create(&leaver, NULL, crew_leave, crew))
		return 255;
	while (!crew->leaver)
		usleep(1000);
	if (crew->is_slow)
		be_slow();
	/* A cgroup may delay every action of its processes: enter it last. */
	if (crew->cgroup && write_file(crew->cgroup, "0"))
		return 255;
	crew->is_mapping = 1;
	return map_rw(crew->fd, page_size()) == MAP_FAILED ? errno : 0;
}

static inline pid_t crew_start(struct crew *crew)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(crew_map(crew));
	return pid;
}

/* Has the thread exited completely? */
static inline int crew_has_left(const struct crew *crew, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, crew->leaver);
	return access(path, F_OK);
}

#endif /* _SELFTESTS_XXSHM_FILL_H */
