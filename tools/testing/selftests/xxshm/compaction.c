// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locked is not pinned: compaction moves the pages of windows, unless the
 * administrator forbids it. For a machine of a few hundred MiB.
 */
#include "device.h"
#include "harness.h"

#define DEVICES		16
#define MIB		(1024UL << 10)
#define WINDOW		MIB
#define PAGES		(WINDOW / 4096)
#define SMALL		(512 * MIB)	/* a machine with at most this much memory is small */
#define ALLOWED		"/proc/sys/vm/compact_unevictable_allowed"

struct window {
	char *map;
	__u64 frames[PAGES];
};

/* They lie far from each other in memory, and the memory between them is free. */
FIXTURE(scattered) {
	struct window windows[DEVICES];
};

static int window_map(struct window *window, int number)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/xxshm%d", number);
	window->map = map_rw(open(path, O_RDWR), WINDOW);
	if (window->map == MAP_FAILED)
		return -1;
	memset(window->map, 'a' + number, WINDOW);
	return 0;
}

static char *take_memory(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
}

static __u64 window_frame(const struct window *window, unsigned int page)
{
	return pagemap_entry(window->map + page * page_size()) & PAGEMAP_PFN;
}

static void note_frames(struct window *windows)
{
	unsigned int i, j;

	for (i = 0; i < DEVICES; i++)
		for (j = 0; j < PAGES; j++)
			windows[i].frames[j] = window_frame(&windows[i], j);
}

/* The number of pages whose frame has changed. */
static int moved_pages(const struct window *windows)
{
	unsigned int i, j;
	int moved = 0;

	for (i = 0; i < DEVICES; i++)
		for (j = 0; j < PAGES; j++)
			moved += window_frame(&windows[i], j) != windows[i].frames[j];
	return moved;
}

FIXTURE_SETUP(scattered)
{
	size_t between = (size_t)sysconf(_SC_AVPHYS_PAGES) * page_size() / (2 * DEVICES);
	char *taken[DEVICES];
	unsigned int i;

	if ((__u64)sysconf(_SC_PHYS_PAGES) * page_size() > SMALL)
		SKIP(return, "this machine has too much memory");
	ASSERT_EQ(0, stop_balancing());
	/* The kernel must not compact by itself meanwhile. */
	ASSERT_EQ(0, write_file(ALLOWED, "0"));
	ASSERT_EQ(0, module_load("instances=16 size=1M"));
	for (i = 0; i < DEVICES; i++) {
		taken[i] = take_memory(between);
		ASSERT_NE(MAP_FAILED, taken[i]);
		ASSERT_EQ(0, window_map(&self->windows[i], i));
	}
	for (i = 0; i < DEVICES; i++)
		munmap(taken[i], between);
	note_frames(self->windows);
}

FIXTURE_TEARDOWN_PARENT(scattered)
{
	EXPECT_EQ(0, write_file(ALLOWED, "1"));
	EXPECT_EQ(0, module_unload());
}

static int compact(const char *allowed)
{
	return write_file(ALLOWED, allowed) ||
	       write_file("/proc/sys/vm/compact_memory", "1");
}

/* The second half shows that there was something to move in the first. */
TEST_F(scattered, pages_stay_unless_compaction_may_move_unevictable_ones)
{
	ASSERT_NE(0, self->windows[0].frames[0]);
	ASSERT_EQ(0, compact("0"));
	EXPECT_EQ(0, moved_pages(self->windows));
	ASSERT_EQ(0, compact("1"));
	EXPECT_GT(moved_pages(self->windows), 0);
}

TEST_F(scattered, pages_keep_their_bytes_when_they_move)
{
	int i;

	ASSERT_EQ(0, compact("1"));
	EXPECT_GT(moved_pages(self->windows), 0);
	for (i = 0; i < DEVICES; i++) {
		char *map = self->windows[i].map;

		EXPECT_EQ('a' + i, map[0]);
		EXPECT_EQ(0, memcmp(map, map + 1, WINDOW - 1));
	}
}

TEST_HARNESS_MAIN
