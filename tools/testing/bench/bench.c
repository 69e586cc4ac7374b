// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the instructions of operations on shared memory, on one peer after another:
 *
 *   bench SIZE PEER...      SIZE in bytes, PEER one of peers.h
 *
 * Prints a line a number: operation, size, peer, instructions, for how many pages these
 * are, and instructions for one. Where there is no number, there is why at the end. To
 * be run as root in the deterministic virtual machine, by ./guest.
 */
#include <sys/resource.h>

#include "cases.h"
#include "peers.h"

struct operation {
	const char *name;
	long (*measure)(struct region *region);
	size_t step;		/* it is about a page in so many bytes */
	size_t min, max;	/* sizes for which it is asked */
	int remaps;		/* it maps the memory once more */
};

static long measure_map(struct region *region)
{
	return least_of(once_map, region);
}

static long measure_sparse(struct region *region)
{
	return least_of(once_sparse, region);
}

static long measure_again(struct region *region)
{
	return least_of(once_again, region);
}

static long measure_fork(struct region *region)
{
	return least_of(once_fork, region);
}

static long measure_1(struct region *region)
{
	return map_at_once(region, 1);
}

static long measure_2(struct region *region)
{
	return map_at_once(region, 2);
}

static long measure_4(struct region *region)
{
	return map_at_once(region, 4);
}

static long measure_8(struct region *region)
{
	return map_at_once(region, 8);
}

static long measure_16(struct region *region)
{
	return map_at_once(region, 16);
}

static long first_round(struct region *region, int round)
{
	long start = clock_now(), took;
	char *p;

	region->fd = region->peer->make(region->size, round);
	if (region->fd < 0)
		return -errno;
	p = region_map(region);
	if (p == MAP_FAILED)
		return -errno;
	region_touch(region, p, PAGE);
	took = clock_since(start);
	region_unmap(region, p);
	return took;
}

/* A machine that has run for a while has no large pages at hand before this. */
static void compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		abort();
	close(fd);
}

/* ./guest has the module make as many devices. */
static int rounds_of_first(const struct region *region)
{
	return region->size <= HUGE ? 64 : region->size <= 32 * HUGE ? 8 : 2;
}

static long measure_first(struct region *region)
{
	int rounds = rounds_of_first(region);
	long least = LONG_MAX, spent = 0;

	compact();
	for (int i = 0; i < LEAST_TIMES || (spent < 8 * ENOUGH && i < rounds); i++) {
		long took;

		/* What is freed late should not fill the machine. */
		if (i % IN_A_ROW == 0 || region->size > HUGE)
			clock_settle();
		took = first_round(region, i);
		if (took < 0)
			return took;
		if (took < least)
			least = took;
		spent += took;
		close(region->fd);
	}
	return least;
}

#define ANY	ULONG_MAX

/* The first one needs no memory; ./report knows them by these names too. */
static const struct operation operations[] = {
	{ "first", measure_first, PAGE, 0, ANY, .remaps = 0 },
	{ "map", measure_map, PAGE, 0, ANY, .remaps = 1 },
	{ "sparse", measure_sparse, HUGE, HUGE, ANY, .remaps = 1 },
	{ "again", measure_again, PAGE, 0, ANY, .remaps = 1 },
	{ "fork", measure_fork, PAGE, 0, ANY, .remaps = 0 },
	{ "at-once-1", measure_1, PAGE, 0, 32 * HUGE, .remaps = 1 },
	{ "at-once-2", measure_2, PAGE, 0, HUGE, .remaps = 1 },
	{ "at-once-4", measure_4, PAGE, 0, HUGE, .remaps = 1 },
	{ "at-once-8", measure_8, PAGE, 0, HUGE, .remaps = 1 },
	{ "at-once-16", measure_16, PAGE, 0, 32 * HUGE, .remaps = 1 },
	/* In the first page of the smallest region that each peer can make. */
	{ "mutex", contended_mutex, HUGE, HUGE, HUGE, .remaps = 0 },
	{ .name = NULL }
};

static void print_gap(const char *operation, const struct region *region,
		      const char *why, const char *detail)
{
	printf("%s,%zu,%s,,,,%s%s\n", operation, region->size, region->peer->name, why,
	       detail);
}

/* A result for a page in @step bytes, or what is below 0. */
static void print(const char *operation, const struct region *region, long result,
		  size_t step)
{
	size_t pages = (region->size + step - 1) / step;

	if (result >= 0)
		printf("%s,%zu,%s,%ld,%zu,%.2f,\n", operation, region->size,
		       region->peer->name, result, pages, (double)result / pages);
	else if (result < DIED)
		print_gap(operation, region, "fails: SIG", sigabbrev_np(DIED - result));
	else
		print_gap(operation, region, "fails: ", strerrorname_np(-result));
}

static long fill(struct crew *crew, void *arg)
{
	struct region *region = arg;
	char *p = region_map(region);

	if (p == MAP_FAILED)
		return -errno;
	region_touch(region, p, PAGE);
	return 0;
}

struct job {
	const struct operation *operation;
	struct region *region;
};

static long do_job(struct crew *crew, void *arg)
{
	struct job *job = arg;

	return job->operation->measure(job->region);
}

/* Make the memory that the others work on. */
static void prepare(struct region *region)
{
	region->fd = region->peer->make(region->size, 0);
	if (region->fd < 0 || !crew_alone(fill, region))
		return;
	close(region->fd);
	region->fd = -1;
}

static void measure_operation(const struct operation *operation, struct region *region)
{
	struct job job = { operation, region };

	if (region->size < operation->min || region->size > operation->max)
		return;
	if (region->peer->granule > region->size)
		print_gap(operation->name, region, "made of 2 MiB pages", "");
	else if (region->peer->once && operation->remaps)
		print_gap(operation->name, region, "cannot be mapped again", "");
	else if (region->fd < 0 && operation->measure != measure_first)
		print_gap(operation->name, region, "cannot be allocated", "");
	else
		print(operation->name, region, crew_alone(do_job, &job), operation->step);
}

static void measure_peer(const struct peer *peer, size_t size)
{
	struct region region = { peer, size, peer->map_flags, -1 };

	measure_operation(operations, &region);
	if (peer->granule <= size)
		prepare(&region);
	for (const struct operation *other = operations + 1; other->name; other++)
		measure_operation(other, &region);
	fflush(stdout);
	if (region.fd >= 0)
		close(region.fd);
}

/* Nothing else runs meanwhile, except while it sleeps. */
static int run_before_all_others(void)
{
	struct sched_param param = { .sched_priority = 1 };

	return sched_setscheduler(0, SCHED_FIFO, &param);
}

/* memfd_secret(2) tests this limit for every user. */
static int lock_without_limit(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;

	if (!size || run_before_all_others() || lock_without_limit()) {
		fprintf(stderr, "usage, as root: bench SIZE PEER...\n");
		return 2;
	}
	region_warm_tables();
	clock_cost();
	for (int i = 2; i < argc; i++) {
		const struct peer *peer = peer_of(argv[i]);

		if (!peer) {
			fprintf(stderr, "bench: there is no peer %s\n", argv[i]);
			return 2;
		}
		measure_peer(peer, size);
	}
	return 0;
}
