/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock, which counts instructions: the deterministic virtual machine takes one
 * for a nanosecond.
 */
#ifndef _BENCH_CLOCK_H
#define _BENCH_CLOCK_H

#include <limits.h>
#include <time.h>

static inline long clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

/* What it takes to read the clock; so much is in each interval between two readings. */
static inline long clock_cost(void)
{
	static long cost = LONG_MAX;

	if (cost != LONG_MAX)
		return cost;
	for (int i = 0; i < 100; i++) {
		long start = clock_now(), took = clock_now() - start;

		if (took < cost)
			cost = took;
	}
	return cost;
}

static inline long clock_since(long start)
{
	return clock_now() - start - clock_cost();
}

/* Let the kernel do deferred work; waiting takes little time in the virtual machine. */
static inline void clock_settle(void)
{
	struct timespec ts = { .tv_nsec = 40000000 };

	nanosleep(&ts, NULL);
}

#endif
