// SPDX-License-Identifier: GPL-2.0-only
/* The memory cgroup: the payer of a window's pages, and its limit. */
#include "cgroup.h"
#include "ddi/driver.h"
#include "harness.h"
#include "ledger.h"
#include "swap.h"
#include "within.h"

#define WINDOW	(64UL << 20)
#define DRIVERS	(8UL << 20)	/* memory of a driver */

/* Bytes in the page cache that a cgroup pays for. */
static long cgroup_pays(const char *cgroup)
{
	return cgroup_stat(cgroup, "file ");
}

/* Enter a new cgroup with a limit. */
static int enter_limited(const char *limit)
{
	return cgroup_make(OURS) || write_file(OURS "/memory.max", limit) ||
	       cgroup_enter(OURS);
}

FIXTURE(limited) {
	int fd;
};

/* A memory cgroup of half a window, and the test in it. */
FIXTURE_SETUP(limited)
{
	ASSERT_EQ(0, module_load("size=64M"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, enter_limited("32M"));
}

FIXTURE_TEARDOWN_PARENT(limited)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
}

TEST_F(limited, not_enough_memory_is_enomem_and_keeps_nothing)
{
	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(0, is_allocated(self->fd));
	EXPECT_LT(cgroup_pays(OURS), (long)WINDOW / 8);
}

/* The charge came before the failed allocation, and was returned. */
TEST_F(limited, not_enough_memory_costs_nothing)
{
	long before = user_locked(self->fd);

	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(before, user_locked(self->fd));
	EXPECT_EQ(0, charged(self->fd));
}

TEST_F(limited, not_enough_memory_kills_nobody)
{
	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	EXPECT_EQ(0, read_number(OURS "/memory.events", "oom_kill "));
	EXPECT_GT(read_number(OURS "/memory.events", "max "), 0);
}

TEST_F(limited, it_works_once_there_is_memory)
{
	char *map;

	ASSERT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	ASSERT_EQ(0, write_file(OURS "/memory.max", "max"));
	map = map_rw(self->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, map[WINDOW - 1]);
	EXPECT_TRUE(cgroup_pays_for(OURS, "file ", WINDOW));
}

/* Nothing is lost if most of the memory is free again. */
TEST_F(limited, refused_window_loses_no_page)
{
	const int times = 20;
	long before;
	int i;

	ASSERT_EQ(0, write_file(OURS "/memory.max", "2M"));
	ASSERT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	before = read_number("/proc/meminfo", "MemFree:");
	for (i = 0; i < times; i++)
		ASSERT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	EXPECT_GT(read_number("/proc/meminfo", "MemFree:"),
		  before - times * (long)(HUGE_SIZE >> 10) / 2);
}

/* Other users had the pages that the first attempt gave back. */
TEST_F(limited, window_is_zero_that_could_not_be_had_at_first)
{
	char *map;

	ASSERT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	ASSERT_EQ(0, write_file(OURS "/memory.max", "max"));
	ASSERT_EQ(0, dirty_memory(3 * WINDOW));
	map = map_rw(self->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, WINDOW));
}

/* Over the limit of locked memory: refused before a page is allocated. */
TEST_F(limited, the_limit_of_locked_memory_comes_first)
{
	ASSERT_EQ(0, become_user(USER_A, WINDOW - page_size()));
	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, WINDOW));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, read_number(OURS "/memory.events", "max "));
}

FIXTURE(two) {
	int fd;
};

/* Two memory cgroups without a limit; the test is in neither. */
FIXTURE_SETUP(two)
{
	ASSERT_EQ(0, module_load("size=64M"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, cgroup_make(OTHER));
}

FIXTURE_TEARDOWN_PARENT(two)
{
	EXPECT_EQ(0, module_unload());
	EXPECT_TRUE(!cgroup_remove(OURS) || errno == ENOENT);
	EXPECT_EQ(0, cgroup_remove(OTHER));
}

static int map_in(const char *cgroup, int fd)
{
	return touch_in(cgroup, fd, WINDOW, 0, WINDOW);
}

TEST_F(two, the_cgroup_of_the_first_mapper_pays)
{
	ASSERT_EQ(0, map_in(OURS, self->fd));
	EXPECT_TRUE(cgroup_pays_for(OURS, "file ", WINDOW));
	ASSERT_EQ(0, map_in(OTHER, self->fd));
	EXPECT_TRUE(cgroup_pays_for(OURS, "file ", WINDOW));
	EXPECT_LT(cgroup_pays(OTHER), (long)WINDOW / 8);
}

TEST_F(two, unloading_returns_what_was_paid)
{
	ASSERT_EQ(0, map_in(OURS, self->fd));
	close(self->fd);
	ASSERT_EQ(0, module_unload());
	EXPECT_LT(cgroup_pays(OURS), (long)WINDOW / 8);
	ASSERT_EQ(0, module_load(""));
}

TEST_F(two, the_window_outlives_the_cgroup_that_paid)
{
	char *map;

	ASSERT_EQ(0, map_in(OURS, self->fd));
	ASSERT_EQ(0, cgroup_remove(OURS));
	ASSERT_EQ(0, map_in(OTHER, self->fd));
	map = map_rw(self->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('c', map[0]);
	EXPECT_EQ('c', map[WINDOW - 1]);
	EXPECT_LT(cgroup_pays(OTHER), (long)WINDOW / 8);
}

FIXTURE(driver) {
	int fd;
};

/* A driver's memory, and the test in a memory cgroup of half of it. */
FIXTURE_SETUP(driver)
{
	self->fd = probe_export(DRIVERS);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, enter_limited("4M"));
}

FIXTURE_TEARDOWN_PARENT(driver)
{
	EXPECT_EQ(0, probe_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
}

/*
 * The cgroup of the first process that maps it pays. A process whose cgroup cannot pay is
 * refused, and not killed. The charge until then stays, so its next allocation would meet
 * the limit.
 */
TEST_F(driver, memory_is_that_of_who_maps_it_first)
{
	int limit = open(OURS "/memory.max", O_WRONLY);
	char *map;

	ASSERT_EQ(0, probe_poke(self->fd, 0, DRIVERS - 1, 'a'));
	map = map_rw(self->fd, DRIVERS);
	ASSERT_EQ(3, write(limit, "max", 3));
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(0, read_number(PROBE_SYSFS "charged", ""));
	EXPECT_EQ(0, read_number(OURS "/memory.events", "oom_kill "));
	EXPECT_GT(read_number(OURS "/memory.events", "max "), 0);
	EXPECT_LT(cgroup_pays(OURS), (long)DRIVERS);

	map = map_rw(self->fd, DRIVERS);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('a', map[DRIVERS - 1]);
	EXPECT_TRUE(cgroup_pays_for(OURS, "file ", DRIVERS));
}

#define CACHE_SIZE	(96L << 20)

FIXTURE(cache) {
	int fd;
};

FIXTURE_VARIANT(cache) {
	int is_driver;
	size_t memory;
};

FIXTURE_VARIANT_ADD(cache, window) { .is_driver = 0, .memory = WINDOW };
FIXTURE_VARIANT_ADD(cache, driver) { .is_driver = 1, .memory = DRIVERS };

/* A block device to read, and a cgroup that is smaller than it. */
FIXTURE_SETUP(cache)
{
	ASSERT_TRUE(swap_is_there());
	ASSERT_EQ(0, write_file(SWAP_SYSFS "disksize", "96M"));
	if (variant->is_driver) {
		self->fd = probe_export(DRIVERS);
	} else {
		ASSERT_EQ(0, module_load("size=64M"));
		self->fd = open(DEVICE, O_RDWR);
	}
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, write_file(OURS "/memory.max", "80M"));
}

FIXTURE_TEARDOWN_PARENT(cache)
{
	EXPECT_EQ(0, variant->is_driver ? probe_unload() : module_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
	EXPECT_EQ(0, write_file(SWAP_SYSFS "reset", "1"));
}

/* Returns the number of bytes read. Their cache stays until @fd is closed. */
static long read_through(int fd)
{
	static char buffer[1 << 20];
	long sum = 0;
	ssize_t len;

	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		sum += len;
	return sum;
}

static int fill_cgroup_and_map(int fd, size_t len)
{
	if (cgroup_enter(OURS) ||
	    read_through(open(SWAP_DEVICE, O_RDONLY)) != CACHE_SIZE ||
	    !cgroup_pays_for(OURS, "file ", WINDOW))
		return 255;
	return map_rw(fd, len) == MAP_FAILED ? errno : 0;
}

TEST_F(cache, clean_pages_make_room)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(fill_cgroup_and_map(self->fd, variant->memory));
	EXPECT_EQ(0, ends_within(60, pid));
	if (!variant->is_driver)
		EXPECT_EQ(WINDOW, device_attribute("allocated"));
	EXPECT_TRUE(cgroup_pays_for(OURS, "unevictable ", variant->memory));
	EXPECT_EQ(0, read_number(OURS "/memory.events", "oom_kill "));
}

TEST_HARNESS_MAIN
