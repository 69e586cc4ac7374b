/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cases: operations on a region that has its pages already. Each returns the
 * instructions that it took, the least of some rounds after one that counts for
 * nothing, or what is below 0 (crew.h). The least is the one into which no timer
 * interrupt and no work that the kernel had put off happened to fall.
 */
#ifndef _BENCH_CASES_H
#define _BENCH_CASES_H

#include <pthread.h>
#include <sched.h>

#include "clock.h"
#include "crew.h"
#include "region.h"

/* How many times, so that large regions do not take minutes. */
static inline int cases_rounds(const struct region *region)
{
	return region->size <= HUGE ? 9 : region->size <= 32 * HUGE ? 3 : 1;
}

static inline long least_of(long (*round)(struct region *region),
			    struct region *region)
{
	long least = LONG_MAX;

	for (int i = 0; i <= cases_rounds(region); i++) {
		long took;

		clock_settle();
		took = round(region);
		if (took < 0)
			return took;
		if (i && took < least)
			least = took;
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

static long round_of_map(struct region *region)
{
	return map_and_touch(region, PAGE);
}

static long round_of_sparse(struct region *region)
{
	return map_and_touch(region, HUGE);
}

/* The mean of some in a row: nothing settles between them. */
static long round_of_again(struct region *region)
{
	int times = region->size <= HUGE ? 16 : 2;
	long start = clock_now();

	for (int i = 0; i < times; i++) {
		char *p = region_map(region);

		if (p == MAP_FAILED)
			return -errno;
		region_unmap(region, p);
	}
	return clock_since(start) / times;
}

/* From before the fork until the child has touched all. */
static long round_of_fork(struct region *region)
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
	int rounds = region->size <= HUGE ? 4 : 1;
	long least = map_in_turns(region);

	if (least < 0)
		return least;
	crew_wait_for_start(crew);
	least = LONG_MAX;
	for (int i = 0; i < rounds; i++) {
		long took = map_in_turns(region);

		if (took < 0)
			return took;
		if (took < least)
			least = took;
	}
	return least;
}

/* The mean of the members. */
static inline long maps_at_once(struct region *region, int members)
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

struct contest {
	pthread_mutex_t mutex;	/* in the region */
	long locked;
};

#define CONTEST_ROUNDS	500

/* Who holds the mutex yields, so that the other one has to wait for it. */
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

/* By two processes; instructions from one lock to the next, whoever has it. */
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
