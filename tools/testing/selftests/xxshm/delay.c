// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that maps a window first may take long: the window is large, or a
 * cgroup delays the process. Nobody else has to wait for it.
 */
#include <sys/sysinfo.h>

#include "cgroup.h"
#include "ddi/driver.h"
#include "fill.h"
#include "harness.h"
#include "ledger.h"

#define WINDOW		(64UL << 20)
#define REGION		(16UL << 20)	/* memory of a driver */
#define MOMENT		15		/* seconds: the bound of an action that must not wait */
#define BOUND		30		/* seconds: the bound of a slower action */
#define HUNG		"/proc/sys/kernel/hung_task_"

static long cgroup_current(const char *cgroup)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/memory.current", cgroup);
	return read_number(path, "");
}

/* The device, or a driver's node with a region; the module is loaded anew. */
static int open_fresh(int is_region)
{
	if (is_region)
		return probe_export(REGION);
	return module_load("size=64M") ? -1 : open(DEVICE, O_RDWR);
}

static int unload_fresh(int is_region)
{
	return is_region ? probe_unload() : module_unload();
}

/* The charges of all users for their mappings. */
static long charged_of(int is_region)
{
	return is_region ? read_number(PROBE_SYSFS "charged", "") :
			   device_attribute("charged");
}

FIXTURE(high) {
	struct crew *crew;
	pid_t pid;
	int kmsg;
};

FIXTURE_VARIANT(high) {
	const char *limit;
	int is_region;
};

#define HIGH(name, ...) FIXTURE_VARIANT_ADD(high, name) { __VA_ARGS__ }

HIGH(window, "4M");
HIGH(window_and_zero, "0");
HIGH(region, "4M", .is_region = 1);

/* Is the process at work in its cgroup, or done? */
static int has_grown_in(const char *cgroup, pid_t pid)
{
	return has_ended(pid) || cgroup_current(cgroup) > (1L << 20);
}

/*
 * A process in a cgroup with a memory.high far below the size of the window that it maps.
 */
FIXTURE_SETUP(high)
{
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT_EQ(0, lseek(self->kmsg, 0, SEEK_END));
	ASSERT_EQ(0, write_file(HUNG "timeout_secs", "10"));
	self->crew = crew_new(open_fresh(variant->is_region));
	ASSERT_NE(NULL, self->crew);
	ASSERT_GE(self->crew->fd, 0);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, cgroup_make(OTHER));
	ASSERT_EQ(0, write_file(OURS "/memory.high", variant->limit));
	self->crew->cgroup = OURS "/cgroup.procs";
	self->pid = crew_start(self->crew);
	ASSERT_TRUE(WITHIN(BOUND, has_grown_in(OURS, self->pid)));
	usleep(500000);
}

FIXTURE_TEARDOWN_PARENT(high)
{
	EXPECT_EQ(0, write_file(HUNG "timeout_secs", "120"));
	EXPECT_EQ(0, charged_of(variant->is_region));
	EXPECT_EQ(0, unload_fresh(variant->is_region));
	EXPECT_EQ(0, cgroup_remove(OURS));
	EXPECT_EQ(0, cgroup_remove(OTHER));
}

TEST_F(high, another_user_maps_meanwhile)
{
	pid_t pid = fork_bound();

	if (!pid) {
		if (cgroup_enter(OTHER) || become_user(USER_A, WINDOW))
			_exit(255);
		_exit(map_rw(self->crew->fd, page_size()) == MAP_FAILED ? errno : 0);
	}
	EXPECT_EQ(0, ends_within(MOMENT, pid));
	kill_and_wait(self->pid);
}

TEST_F(high, others_can_look_at_the_process)
{
	EXPECT_EQ(0, ends_within(MOMENT, start_to_look_at(self->pid)));
	kill_and_wait(self->pid);
}

TEST_F(high, a_thread_exits_meanwhile)
{
	self->crew->may_leave = 1;
	EXPECT_TRUE(WITHIN(MOMENT, crew_has_left(self->crew, self->pid)));
	kill_and_wait(self->pid);
}

/* The cgroup also delays the process for memory of its own, but not for long. */
TEST_F(high, a_thread_maps_and_unmaps_meanwhile)
{
	self->crew->may_work = 1;
	EXPECT_TRUE(WITHIN(BOUND, self->crew->rounds || has_ended(self->pid)));
	kill_and_wait(self->pid);
}

/* The kernel logs tasks that hang for ten seconds. */
TEST_F(high, it_ends_and_nobody_hangs)
{
	char line[8192];
	ssize_t len;

	self->crew->may_leave = 1;
	EXPECT_EQ(0, ends_within(BOUND, self->pid));
	do {
		len = read(self->kmsg, line, sizeof(line) - 1);
		line[len < 0 ? 0 : len] = '\0';
		EXPECT_EQ(NULL, strstr(line, "blocked for more than"));
	} while (len > 0 || (len < 0 && errno == EPIPE));
}

FIXTURE(limited) {
	int fd;
};

FIXTURE_VARIANT(limited) {
	const char *max;
	const char *high;
	int is_region;
	int error;
};

#define LIMITED(name, ...) FIXTURE_VARIANT_ADD(limited, name) { __VA_ARGS__ }

LIMITED(max, "32M", "max", 0, ENOMEM);
LIMITED(max_and_high, "32M", "4M", 0, ENOMEM);
LIMITED(max_and_zero, "32M", "0", 0, ENOMEM);
LIMITED(region_max, "8M", "max", 1, ENXIO);
LIMITED(region_max_and_high, "8M", "2M", 1, ENXIO);

/* A cgroup with a memory.max of half the memory, and a memory.high below it. */
FIXTURE_SETUP(limited)
{
	self->fd = open_fresh(variant->is_region);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, write_file(OURS "/memory.max", variant->max));
	ASSERT_EQ(0, write_file(OURS "/memory.high", variant->high));
}

FIXTURE_TEARDOWN_PARENT(limited)
{
	EXPECT_EQ(0, unload_fresh(variant->is_region));
	EXPECT_EQ(0, cgroup_remove(OURS));
}

/*
 * The cgroup goes on paying for the pages of a region that were published. So the child
 * lifts the limit before it needs a page of its own: otherwise the kernel kills it.
 */
static int map_at_limit(int fd)
{
	int limit = open(OURS "/memory.max", O_WRONLY);
	int err;

	errno = 0;
	if (cgroup_enter(OURS))
		return 255;
	err = map_rw(fd, page_size()) == MAP_FAILED ? errno : 0;
	return write(limit, "max", 3) == 3 ? err : 255;
}

TEST_F(limited, too_little_memory_is_an_error_at_once)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(map_at_limit(self->fd));
	EXPECT_EQ(variant->error, ends_within(MOMENT, pid));
	EXPECT_EQ(0, charged_of(variant->is_region));
	if (variant->is_region)
		return;
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_LT(cgroup_current(OURS), 8L << 20);
	EXPECT_EQ(0, read_number(OURS "/memory.events", "oom_kill "));
}

#define ROUNDS	20

FIXTURE(large) {
	struct crew *crew;
	pid_t busy;
	pid_t pid;
	long before;
};

/* A window of an eighth of the memory, and a slow process that maps it first. */
FIXTURE_SETUP(large)
{
	struct sysinfo info;
	char parameters[32];

	ASSERT_EQ(0, sysinfo(&info));
	snprintf(parameters, sizeof(parameters), "size=%luM",
		 (unsigned long)(((__u64)info.totalram * info.mem_unit) >> 23));
	ASSERT_EQ(0, module_load(parameters));
	pin(1);
	self->crew = crew_new(open(DEVICE, O_RDWR));
	ASSERT_NE(NULL, self->crew);
	self->crew->is_slow = 1;
	self->before = cached_pages();
	self->busy = busy_start();
	self->pid = crew_start(self->crew);
	ASSERT_TRUE(WITHIN(BOUND, has_grown(self->before, HUGE_SIZE)));
	busy_take_all(self->busy);
}

FIXTURE_TEARDOWN_PARENT(large)
{
	EXPECT_EQ(0, module_unload());
}

/* The mapping is still not there: the other actions did not wait for it. */
#define EXPECT_STILL_FILLING()						\
do {									\
	EXPECT_EQ(0, device_attribute("allocated"));			\
	EXPECT_FALSE(has_ended(self->pid));				\
} while (0)

TEST_F(large, threads_of_the_process_go_on_meanwhile)
{
	self->crew->may_work = 1;
	self->crew->may_leave = 1;
	EXPECT_TRUE(WITHIN(MOMENT, self->crew->rounds >= ROUNDS));
	EXPECT_TRUE(WITHIN(MOMENT, crew_has_left(self->crew, self->pid)));
	EXPECT_STILL_FILLING();
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(3 * BOUND, self->pid));
	EXPECT_GT(device_attribute("allocated"), 0);
}

TEST_F(large, others_can_look_at_the_process)
{
	EXPECT_EQ(0, ends_within(MOMENT, start_to_look_at(self->pid)));
	EXPECT_STILL_FILLING();
	kill_and_wait(self->busy);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(self->pid));
}

/* Another process, just as slow, wants the window meanwhile. */
TEST_F(large, threads_of_a_second_process_go_on)
{
	struct crew *crew = crew_new(self->crew->fd);
	pid_t pid;

	crew->is_slow = 1;
	pid = crew_start(crew);
	EXPECT_TRUE(WITHIN(BOUND, crew->is_mapping));
	usleep(500000);
	crew->may_work = 1;
	EXPECT_TRUE(WITHIN(MOMENT, crew->rounds >= ROUNDS));
	EXPECT_EQ(0, ends_within(MOMENT, start_to_look_at(pid)));
	EXPECT_FALSE(has_ended(pid));
	EXPECT_STILL_FILLING();
	kill(pid, SIGKILL);
	kill(self->pid, SIGKILL);
	kill_and_wait(self->busy);
	EXPECT_EQ(128 + SIGKILL, wait_for(pid));
	EXPECT_EQ(128 + SIGKILL, wait_for(self->pid));
}

TEST_F(large, a_second_process_can_be_killed)
{
	struct crew *crew = crew_new(self->crew->fd);
	pid_t pid;

	crew->is_slow = 1;
	pid = crew_start(crew);
	EXPECT_TRUE(WITHIN(BOUND, crew->is_mapping));
	usleep(500000);
	EXPECT_FALSE(has_ended(pid));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, ends_within(BOUND, pid));
	EXPECT_STILL_FILLING();
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(3 * BOUND, self->pid));
}

/* It has all of processor 1, and helps the slow one. */
TEST_F(large, a_fast_process_does_not_wait_for_a_slow_one)
{
	pid_t pid = crew_start(crew_new(self->crew->fd));

	EXPECT_EQ(0, ends_within(BOUND, pid));
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(BOUND, self->pid));
}

FIXTURE(throttled) {
	struct crew *crew;
	pid_t busy;
	pid_t pid;
	long before;
};

/*
 * A process in a cgroup that may run for a millisecond in each 100. Where the
 * kernel has no such limit, it is slow.
 */
FIXTURE_SETUP(throttled)
{
	self->crew = crew_new(open_fresh(0));
	ASSERT_NE(NULL, self->crew);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, cgroup_make(OTHER));
	self->crew->cgroup = OURS "/cgroup.procs";
	self->crew->is_slow = !!write_file(CGROUPS "/cgroup.subtree_control", "+cpu");
	self->busy = self->crew->is_slow ? busy_start() : 0;
	if (!self->busy)
		ASSERT_EQ(0, write_file(OURS "/cpu.max", "10000 100000"));
	self->before = cached_pages();
	self->pid = crew_start(self->crew);
	ASSERT_TRUE(WITHIN(BOUND, has_grown(self->before, HUGE_SIZE)));
	if (self->busy)
		busy_take_all(self->busy);
	else
		ASSERT_EQ(0, write_file(OURS "/cpu.max", "1000 100000"));
}

FIXTURE_TEARDOWN_PARENT(throttled)
{
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
	EXPECT_EQ(0, cgroup_remove(OTHER));
	write_file(CGROUPS "/cgroup.subtree_control", "-cpu");
}

TEST_F(throttled, a_process_elsewhere_is_not)
{
	struct crew *crew = crew_new(self->crew->fd);

	crew->cgroup = OTHER "/cgroup.procs";
	EXPECT_FALSE(has_ended(self->pid));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_EQ(0, ends_within(BOUND, crew_start(crew)));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
	if (self->busy)
		kill_and_wait(self->busy);
	/* It has the window now, too, and may have exited. */
	kill_and_wait(self->pid);
}

TEST_HARNESS_MAIN
