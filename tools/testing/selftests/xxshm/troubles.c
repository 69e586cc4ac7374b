// SPDX-License-Identifier: GPL-2.0-only
/*
 * Symptoms in Documentation/userspace-api/xxshm-troubleshooting.rst that are no errors of
 * the device: the OOM killer, users that keep the module, a missing node, waiting.
 */
#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>

#include "device.h"
#include "harness.h"
#include "tracing.h"

#define WINDOW		(64UL << 20)
#define OTHER_NODE	"/dev/xxshm-of-a-container"
#define CHARGE_ID	TRACING "/events/xxshm/xxshm_charge/id"

static long own_score(void)
{
	return read_number("/proc/self/oom_score", "");
}

/* The share of this machine's memory and swap that a window has, in thousandths. */
static long share_of(size_t window)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return -1;
	return (__u64)window * 1000 / info.mem_unit / (info.totalram + info.totalswap);
}

FIXTURE(daemon) {
	long share, before;
};

/* A process with little memory of its own, and a window that it has touched. */
FIXTURE_SETUP(daemon)
{
	char *map;

	ASSERT_EQ(0, module_load("size=64M"));
	self->share = share_of(WINDOW);
	ASSERT_GT(self->share, 3);
	self->before = own_score();
	map = map_rw(open(DEVICE, O_RDWR), WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	memset(map, 'd', WINDOW);
}

FIXTURE_TEARDOWN_PARENT(daemon)
{
	EXPECT_EQ(0, module_unload());
}

/* Two thirds of the share of memory, see proc_oom_score() of the kernel. */
TEST_F(daemon, window_counts_in_the_oom_score)
{
	EXPECT_GE(own_score(), self->before + self->share * 2 / 3 - 2);
}

TEST_F(daemon, adjustment_by_the_share_takes_it_out_of_the_oom_score)
{
	char text[16];

	snprintf(text, sizeof(text), "%ld", -self->share - 1);
	ASSERT_EQ(0, write_file("/proc/self/oom_score_adj", text));
	EXPECT_LE(own_score(), self->before + 2);
}

TEST_F(daemon, window_counts_as_pages_of_a_file)
{
	EXPECT_GE(read_number("/proc/self/status", "RssFile:"), (long)WINDOW >> 10);
	EXPECT_EQ(0, read_number("/proc/self/status", "VmLck:"));
}

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, module_load("instances=2"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	unlink(OTHER_NODE);
	module_unload();
}

/* Another node of the device, as a container may have one. */
static int open_other_node(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || mknod(OTHER_NODE, S_IFCHR | 0600, st.st_rdev))
		return -1;
	return open(OTHER_NODE, O_RDWR);
}

TEST_F(device, epoll_is_eperm)
{
	struct epoll_event event = { .events = EPOLLIN };

	EXPECT_EQ(-1, epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(EPERM, errno);
}

TEST_F(device, flock_holds_for_all_who_open_the_same_node)
{
	ASSERT_EQ(0, flock(self->fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(-1, flock(open(DEVICE, O_RDWR), LOCK_EX | LOCK_NB));
	EXPECT_EQ(EWOULDBLOCK, errno);
}

TEST_F(device, two_nodes_are_two_files_for_flock)
{
	ASSERT_EQ(0, flock(self->fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, flock(open_other_node(self->fd), LOCK_EX | LOCK_NB));
}

TEST_F(device, two_nodes_show_the_same_bytes)
{
	char *map = map_rw(self->fd, page_size());
	char *other = map_rw(open_other_node(self->fd), page_size());

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, other);
	map[0] = 'x';
	EXPECT_EQ('x', other[0]);
}

TEST_F(device, fdinfo_tells_it_from_other_files_whatever_its_node_is_called)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", open_other_node(self->fd));
	EXPECT_EQ((long)page_size(), read_number(path, "window_size:"));
	EXPECT_EQ(-1, read_number("/proc/self/fdinfo/0", "window_size:"));
}

/* The descriptor that a tracer has of a tracepoint, as bpftrace and perf do. */
static int open_tracepoint(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr),
		.config = read_number(CHARGE_ID, ""),
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

TEST_F(device, tracer_keeps_the_module_and_is_found_by_its_descriptors)
{
	char path[64], name[64] = "";
	int fd = open_tracepoint();

	ASSERT_GE(fd, 0);
	close(self->fd);
	EXPECT_EQ(-1, module_unload());
	EXPECT_EQ(EAGAIN, errno);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_GT(readlink(path, name, sizeof(name) - 1), 0);
	EXPECT_NE(NULL, strstr(name, "perf_event"));
	close(fd);
	EXPECT_EQ(0, module_unload());
}

/* A program that opens the name with O_CREAT while there is no module. */
static int make_plain_file(void)
{
	int fd;

	module_unload();
	fd = open(DEVICE, O_RDWR | O_CREAT, 0600);
	close(fd);
	return fd < 0 ? -1 : module_load("");
}

static int is_of_type(mode_t type)
{
	struct stat st;

	return !stat(DEVICE, &st) && (st.st_mode & S_IFMT) == type;
}

FIXTURE(hindered) {
};

/* A module that was loaded while a plain file had the name of its node. */
FIXTURE_SETUP(hindered)
{
	ASSERT_EQ(0, make_plain_file());
}

FIXTURE_TEARDOWN_PARENT(hindered)
{
	if (is_of_type(S_IFREG))
		unlink(DEVICE);
	EXPECT_EQ(0, module_unload());
}

TEST_F(hindered, plain_file_stays_and_there_is_no_node)
{
	EXPECT_TRUE(is_of_type(S_IFREG));
	EXPECT_EQ(0, access("/sys/class/xxshm/xxshm0/dev", F_OK));
}

TEST_F(hindered, removing_the_file_and_loading_anew_makes_the_node)
{
	ASSERT_EQ(0, unlink(DEVICE));
	ASSERT_EQ(0, module_load(""));
	EXPECT_TRUE(is_of_type(S_IFCHR));
}

/* For a module whose data must stay: the numbers of the node are in sysfs. */
TEST_F(hindered, node_can_be_made_by_hand)
{
	long major = read_number("/sys/class/xxshm/xxshm0/dev", "");

	ASSERT_GT(major, 0);
	ASSERT_EQ(0, unlink(DEVICE));
	ASSERT_EQ(0, mknod(DEVICE, S_IFCHR | 0600, makedev(major, 0)));
	EXPECT_NE(MAP_FAILED, map_rw(open(DEVICE, O_RDWR), page_size()));
	EXPECT_EQ(0, unlink(DEVICE));
}

TEST_HARNESS_MAIN
