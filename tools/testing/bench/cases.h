/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cases: operations on a region that has its pages already. Each returns the
 * instructions that it took, the least of many times, or what is below 0 (crew.h). The
 * least is the one into which no timer interrupt and no work that the kernel had put
 * off happened to fall, and for which each cache of the kernel had something at hand.
 */
#ifndef _BENCH_CASES_H
#define _BENCH_CASES_H

#include <pthread.h>
#include <sched.h>

#include "clock.h"
#include "crew.h"
#include "region.h"

#define LEAST_TIMES	2
#define MOST_TIMES	320
#define IN_A_ROW	16
#define MOST_CREWS	3
#define ENOUGH		10000000L	/* instructions, for more times than the least */

static inline long least_of(long (*once)(struct region *region),
			    struct region *region)
{
	long least = LONG_MAX, spent = 0;

	for (int i = 0; i < LEAST_TIMES || (spent < ENOUGH && i < MOST_TIMES); i++) {
		long took;

		if (i % IN_A_ROW == 0)
			clock_settle();
		took = once(region);
		if (took < 0)
			return took;
		if (took < least)
			least = took;
		spent += took;
	}
	return least;
}

static inline long map_and_touch(struct region *region, size_t step)
{
	long start = clock_now();
	char *p = region_map(region);

	if (p == MAP_FAILED)
		return -errno;
	region_touch(region, p, step);
	region_unmap(region, p);
	return clock_since(start);
}

static long once_map(struct region *region)
{
	return map_and_touch(region, PAGE);
}

static long once_sparse(struct region *region)
{
	return map_and_touch(region, HUGE);
}

static long once_again(struct region *region)
{
	long start = clock_now();
	char *p = region_map(region);

	if (p == MAP_FAILED)
		return -errno;
	region_unmap(region, p);
	return clock_since(start);
}

/* From before the fork until the child has touched all. */
static long once_fork(struct region *region)
{
	char *p = region_map(region);
	long *end, start, took;
	int status;
	pid_t pid;

	end = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		   -1, 0);
	if (p == MAP_FAILED || end == MAP_FAILED)
		return -errno;
	region_touch(region, p, PAGE);
	*end = 0;
	start = clock_now();
	pid = fork();
	if (!pid) {
		region_touch(region, p, PAGE);
		*end = clock_now();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	took = *end - start - clock_cost();
	region_unmap(region, p);
	munmap(end, PAGE);
	return WIFSIGNALED(status) ? DIED - WTERMSIG(status) : took;
}

/*
 * A mapping by each of a crew at once: none touches before all have mapped, and none
 * unmaps before all have touched, because who yields comes last again. Yielding
 * itself is not counted.
 */
static inline long map_in_turns(struct region *region)
{
	long start = clock_now(), took;
	char *p = region_map(region);

	if (p == MAP_FAILED)
		return -errno;
	took = clock_since(start);
	sched_yield();
	start = clock_now();
	region_touch(region, p, PAGE);
	took += clock_since(start);
	sched_yield();
	start = clock_now();
	region_unmap(region, p);
	took += clock_since(start);
	sched_yield();
	return took;
}

static long member_maps(struct crew *crew, void *arg)
{
	struct region *region = arg;
	int times = region->size < HUGE ? 8 : region->size == HUGE ? 2 : 1;
	long took = map_in_turns(region), least = LONG_MAX;

	crew_wait_for_start(crew);
	for (int i = 0; i < times && took >= 0; i++) {
		took = map_in_turns(region);
		if (took < least)
			least = took;
	}
	return least;
}

/* The mean of the members. */
static inline long map_by_crew(struct region *region, int members)
{
	struct crew crew;
	long failed, sum = 0;

	crew_init(&crew, members);
	for (int i = 0; i < members; i++)
		crew_add(&crew, i, member_maps, region);
	failed = crew_run(&crew);
	for (int i = 0; i < members; i++)
		sum += crew.results[i];
	crew_exit(&crew);
	return failed ? failed : sum / members;
}

/* Whose objects lie where is settled as a crew begins; so there are some crews. */
static inline long map_at_once(struct region *region, int members)
{
	long least = LONG_MAX, spent = 0;

	for (int i = 0; !i || (spent < ENOUGH && i < MOST_CREWS); i++) {
		long took = map_by_crew(region, members);

		if (took < 0)
			return took;
		if (took < least)
			least = took;
		spent += took * members;
	}
	return least;
}

struct contest {
	pthread_mutex_t mutex;	/* in the region */
	long locked;
};

#define CONTEST_ROUNDS	500

/* The owner of the mutex yields, so that the other process has to wait for it. */
static long member_contends(struct crew *crew, void *arg)
{
	struct contest *contest = arg;
	long start;

	crew_wait_for_start(crew);
	start = clock_now();
	for (int i = 0; i < CONTEST_ROUNDS; i++) {
		if (pthread_mutex_lock(&contest->mutex))
			return -EDEADLK;
		contest->locked++;
		sched_yield();
		if (pthread_mutex_unlock(&contest->mutex))
			return -EDEADLK;
	}
	return clock_since(start);
}

/* By two processes; instructions from one lock to the next, by either of them. */
static long contended_mutex(struct region *region)
{
	struct contest *contest = (void *)region_map(region);
	pthread_mutexattr_t attr;
	struct crew crew;
	long result;

	if ((void *)contest == MAP_FAILED)
		return -errno;
	contest->locked = 0;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&contest->mutex, &attr);
	crew_init(&crew, 2);
	for (int i = 0; i < 2; i++)
		crew_add(&crew, i, member_contends, contest);
	result = crew_run(&crew);
	if (!result)
		result = crew.results[0] / (2 * CONTEST_ROUNDS);
	crew_exit(&crew);
	region_unmap(region, (char *)contest);
	return result;
}

#endif
