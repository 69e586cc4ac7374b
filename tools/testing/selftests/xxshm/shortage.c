// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows while memory is short: pageable ones go to swap, locked ones do not, none loses a
 * byte, and impossible requests are refused soon. For a machine of a few hundred MiB:
 * filling a larger one would take too long.
 */
#include "cgroup.h"
#include "harness.h"
#include "ledger.h"
#include "swap.h"

#define MIB	(1024UL << 10)
#define SMALL	(512 * MIB)	/* most memory that this takes for a small machine */

/* A page holds its number, again and again, which is easy to compress. */
static void fill_page(char *page, unsigned long number)
{
	unsigned long *words = (unsigned long *)page;
	size_t i;

	for (i = 0; i < page_size() / sizeof(*words); i++)
		words[i] = number;
}

static int page_is_right(const char *page, unsigned long number)
{
	return *(unsigned long *)page == number &&
	       !memcmp(page, page + sizeof(number), page_size() - sizeof(number));
}

static void fill(char *map, size_t len)
{
	size_t i;

	for (i = 0; i < len / page_size(); i++)
		fill_page(map + i * page_size(), i + 1);
}

static size_t wrong_pages(const char *map, size_t len)
{
	size_t i, wrong = 0;

	for (i = 0; i < len / page_size(); i++)
		wrong += !page_is_right(map + i * page_size(), i + 1);
	return wrong;
}

/* In a child, which fills a window and exits. */
static int fill_and_end(int fd, size_t len, const char *cgroup)
{
	pid_t pid = fork();

	if (!pid) {
		char *map;

		if (cgroup && cgroup_enter(cgroup))
			_exit(2);
		map = map_rw(fd, len);
		if (map == MAP_FAILED)
			_exit(1);
		fill(map, len);
		_exit(0);
	}
	return wait_for(pid);
}

static long available_kb(void)
{
	return read_number("/proc/meminfo", "MemAvailable:");
}

/* Skipped if this kernel has no swap, or if the memory is too large for the time. */
static const char *what_is_missing(void)
{
	if ((__u64)sysconf(_SC_PHYS_PAGES) * page_size() > SMALL)
		return "this machine has too much memory";
	return swap_is_there() ? NULL : "this kernel has nothing to swap to";
}

FIXTURE(crowded) {
	int fd;
	size_t size;
};

/* A window that does not fit into the memory beside everything else. */
FIXTURE_SETUP(crowded)
{
	const char *missing = what_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, stop_balancing());
	ASSERT_EQ(0, swap_on("512M"));
	self->size = 256 * MIB;
	ASSERT_EQ(0, module_load("size=256M pageable=1"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(crowded)
{
	EXPECT_EQ(0, module_unload());
	swap_off();
}

TEST_F(crowded, window_goes_to_swap_and_comes_back)
{
	long out = read_vmstat("pswpout"), in = read_vmstat("pswpin");
	long killed = read_vmstat("oom_kill"), pages;
	char *map;

	/* That do not fit, less what was there to make room for them. */
	pages = ((long)self->size / 1024 - available_kb()) * 1024 / (long)page_size() / 2;
	ASSERT_GT(pages, 0);
	ASSERT_EQ(0, fill_and_end(self->fd, self->size, NULL));
	EXPECT_GT(read_vmstat("pswpout") - out, pages);
	EXPECT_EQ((long)self->size, device_attribute("allocated"));
	map = map_rw(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, wrong_pages(map, self->size));
	EXPECT_GT(read_vmstat("pswpin") - in, pages);
	EXPECT_EQ(killed, read_vmstat("oom_kill"));
}

/* Nothing below depends on the data model of the caller, and it takes long. */
#ifdef __LP64__
FIXTURE(locked) {
	int fd;
	size_t size;
};

FIXTURE_SETUP(locked)
{
	const char *missing = what_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, stop_balancing());
	ASSERT_EQ(0, swap_on("512M"));
	self->size = 64 * MIB;
	ASSERT_EQ(0, module_load("size=64M"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(locked)
{
	EXPECT_EQ(0, module_unload());
	swap_off();
}

/* Use more memory than the machine has, so that other pages go to swap. */
static int want_memory(size_t len)
{
	pid_t pid = fork();

	if (!pid) {
		char *wanted = mmap(NULL, len, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (wanted == MAP_FAILED)
			_exit(1);
		memset(wanted, 'w', len);
		_exit(0);
	}
	return wait_for(pid);
}

TEST_F(locked, window_stays_while_others_are_swapped)
{
	char *map = map_rw(self->fd, self->size);
	long out = read_vmstat("pswpout"), pages = self->size / page_size();

	ASSERT_NE(MAP_FAILED, map);
	fill(map, self->size);
	ASSERT_GE(read_vmstat("nr_unevictable"), pages);
	ASSERT_EQ(0, want_memory(available_kb() * 1024 + self->size / 2));
	EXPECT_GT(read_vmstat("pswpout") - out, pages / 8);
	EXPECT_GE(read_vmstat("nr_unevictable"), pages);
	EXPECT_EQ(0, smaps_kb(map, "Swap:"));
	EXPECT_EQ((long)self->size / 1024, smaps_kb(map, "Rss:"));
	EXPECT_EQ(0, wrong_pages(map, self->size));
}

FIXTURE(reclaim) {
	int fd;
	size_t size;
};

FIXTURE_VARIANT(reclaim) {
	const char *parameters;
	int is_pageable;
};

FIXTURE_VARIANT_ADD(reclaim, locked) {
	.parameters = "size=16M", .is_pageable = 0
};

FIXTURE_VARIANT_ADD(reclaim, pageable) {
	.parameters = "size=16M pageable=1", .is_pageable = 1
};

/* A window that a memory cgroup pays for. */
FIXTURE_SETUP(reclaim)
{
	const char *missing = what_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, stop_balancing());
	ASSERT_EQ(0, swap_on("512M"));
	self->size = 16 * MIB;
	ASSERT_EQ(0, module_load(variant->parameters));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, fill_and_end(self->fd, self->size, OURS));
}

FIXTURE_TEARDOWN_PARENT(reclaim)
{
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
	swap_off();
}

TEST_F(reclaim, takes_pages_that_are_pageable_and_no_others)
{
	long window = self->size, here, swapped;
	char *map;

	ASSERT_GE(cgroup_stat(OURS, "file "), window / 8 * 7);
	/* It fails if less memory can be reclaimed. */
	write_file(OURS "/memory.reclaim", "32M");
	here = cgroup_stat(OURS, "file ");
	swapped = read_number(OURS "/memory.swap.current", "");
	if (variant->is_pageable) {
		EXPECT_LT(here, window / 8);
		EXPECT_GT(swapped, window / 8 * 7);
	} else {
		EXPECT_GE(here, window / 8 * 7);
		EXPECT_EQ(0, swapped);
	}
	map = map_rw(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, wrong_pages(map, self->size));
}

static long free_kb(void)
{
	return read_number("/proc/meminfo", "MemFree:");
}

/* Kernel pages that cannot move: each pipe holds some. */
#define PIPE_SIZE	MIB

struct pipes {
	int count;
	int ends[256][2];
};

static int add_pipe(struct pipes *pipes)
{
	int *ends = pipes->ends[pipes->count];

	if (pipes->count == 256 || pipe2(ends, O_NONBLOCK))
		return -1;
	pipes->count++;
	return fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) < 0 ? -1 : 0;
}

static void close_pipes(struct pipes *pipes)
{
	while (pipes->count--) {
		close(pipes->ends[pipes->count][0]);
		close(pipes->ends[pipes->count][1]);
	}
	pipes->count = 0;
}

/* Fill two pipes, a page each in turn. */
static void fill_in_turn(int first, int second)
{
	static const char page[4096];

	while (write(first, page, sizeof(page)) > 0 &&
	       write(second, page, sizeof(page)) > 0)
		;
}

/* Take memory until this much is left, then give back every second page. */
static int fragment(struct pipes *kept, long left_kb)
{
	static struct pipes given;

	while (free_kb() > left_kb) {
		if (add_pipe(kept) || add_pipe(&given))
			return -1;
		fill_in_turn(kept->ends[kept->count - 1][1],
			     given.ends[given.count - 1][1]);
	}
	close_pipes(&given);
	return 0;
}

FIXTURE(tight) {
	struct pipes pipes;
};

FIXTURE_SETUP(tight)
{
	const char *missing = what_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, stop_balancing());
}

FIXTURE_TEARDOWN_PARENT(tight)
{
	EXPECT_EQ(0, module_unload());
}

/* Small pages replace missing large ones. */
TEST_F(tight, fragmented_memory_makes_a_window_of_small_pages)
{
	const size_t size = 48 * MIB;
	char *map;

	ASSERT_EQ(0, module_load("size=48M"));
	ASSERT_EQ(0, write_file("/proc/sys/vm/drop_caches", "3"));
	ASSERT_EQ(0, fragment(&self->pipes, 24 << 10));
	map = map_rw(open(DEVICE, O_RDWR), size);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, size));
	fill(map, size);
	EXPECT_LT(smaps_kb(map, "FilePmdMapped:"), (long)size / 1024 / 2);
	EXPECT_EQ((long)size / 1024, smaps_kb(map, "Rss:"));
	EXPECT_EQ(0, wrong_pages(map, size));
}

static int load_with(long kb)
{
	char parameters[32];

	snprintf(parameters, sizeof(parameters), "size=%ldK", kb);
	return module_load(parameters);
}

/* Map all of the window, and use it: 0, or the errno of a refusal. */
static int use_window(long kb)
{
	int fd = open(DEVICE, O_RDWR), err;
	char *map = map_rw(fd, kb * 1024);

	if (map == MAP_FAILED) {
		err = errno;
		close(fd);
		return err;
	}
	fill(map, kb * 1024);
	err = wrong_pages(map, kb * 1024) ? EILSEQ : 0;
	munmap(map, kb * 1024);
	close(fd);
	return err;
}

/* The largest allowed window fails, because others use a part of the memory. */
TEST_F(tight, window_that_is_too_large_is_enomem_and_a_smaller_one_works)
{
	long most = sysconf(_SC_PHYS_PAGES) / 8 * 7 * (page_size() / 1024), before;
	long killed = read_vmstat("oom_kill");

	ASSERT_EQ(0, load_with(most));
	before = available_kb();
	EXPECT_EQ(ENOMEM, use_window(most));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_LT(labs(available_kb() - before), before / 8);
	EXPECT_EQ(killed, read_vmstat("oom_kill"));
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, load_with(before / 2));
	EXPECT_EQ(0, use_window(before / 2));
}

/*
 * Make the kernel overestimate the available memory: it could drop pages of files, but
 * pipes hold them. The pages of a swap device are zero, and many.
 */
static int hold_file_pages(struct pipes *pipes, size_t len)
{
	int disk = open(SWAP_DEVICE, O_RDONLY);

	for (; len; len -= PIPE_SIZE) {
		size_t left = PIPE_SIZE;
		ssize_t got = 1;

		if (add_pipe(pipes))
			return -1;
		for (; left && got > 0; left -= got)
			got = splice(disk, NULL, pipes->ends[pipes->count - 1][1],
				     NULL, left, SPLICE_F_NONBLOCK);
		if (left)
			return -1;
	}
	close(disk);
	return 0;
}

TEST_F(tight, memory_that_ends_halfway_is_enomem_and_a_smaller_window_works)
{
	const size_t held = 96 * MIB;
	long window, before, unevictable, killed = read_vmstat("oom_kill");

	ASSERT_EQ(0, write_file(SWAP_SYSFS "disksize", "128M"));
	ASSERT_EQ(0, hold_file_pages(&self->pipes, held));
	window = (free_kb() + available_kb()) / 2;
	ASSERT_EQ(0, load_with(window));
	unevictable = read_vmstat("nr_unevictable");
	before = free_kb();
	EXPECT_EQ(ENOMEM, use_window(window));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_EQ(unevictable, read_vmstat("nr_unevictable"));
	EXPECT_GT(free_kb(), before - (8 << 10));
	EXPECT_EQ(killed, read_vmstat("oom_kill"));
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, load_with(before / 2));
	EXPECT_EQ(0, use_window(before / 2));
	close_pipes(&self->pipes);
	ASSERT_EQ(0, write_file(SWAP_SYSFS "reset", "1"));
}
#endif

TEST_HARNESS_MAIN
