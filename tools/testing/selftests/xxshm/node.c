// SPDX-License-Identifier: GPL-2.0-only
/*
 * The size and the times of a node, for programs that know nothing of xxshm; and that the
 * first process that opens it leaves nothing behind.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/sendfile.h>

#include "device.h"
#include "harness.h"

#define WINDOW		(256L << 10)
#define NO_SIZE		0L
#define OTHER_NODE	"/tmp/xxshm-other-node"

/* A driver's node has no size: only the driver knows what can be mapped. */
#define SIZE		(is_device() ? WINDOW : NO_SIZE)

#define EXPECT_ERRNO(expected, call) do {	\
	EXPECT_EQ(-1, (call));			\
	EXPECT_EQ(expected, errno);		\
} while (0)

FIXTURE(node) {
	int unused;
};

FIXTURE_SETUP(node)
{
	ASSERT_EQ(0, module_load("size=262144"));
}

FIXTURE_TEARDOWN_PARENT(node)
{
	unlink(OTHER_NODE);
	EXPECT_EQ(0, module_unload());
}

static long size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : (long)st.st_size;
}

static long size_at(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)st.st_size;
}

TEST_F(node, has_its_size_from_the_first_open_on)
{
	int fd;

	EXPECT_EQ(NO_SIZE, size_at(node()));
	fd = open(node(), O_RDONLY);
	EXPECT_EQ(SIZE, size_of(fd));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(SIZE, size_at(node()));
}

TEST_F(node, has_its_size_wherever_it_was_made)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, stat(node(), &st));
	ASSERT_EQ(0, mknod(OTHER_NODE, S_IFCHR | 0600, st.st_rdev));
	EXPECT_EQ(NO_SIZE, size_at(OTHER_NODE));
	fd = open(OTHER_NODE, O_RDWR);
	EXPECT_EQ(SIZE, size_of(fd));
	EXPECT_EQ(NO_SIZE, size_at(node()));
}

/* As a library does that knows only files. */
TEST_F(node, maps_as_long_as_its_size)
{
	int fd = open(node(), O_RDWR);
	long size = size_of(fd);

	if (!is_device()) {
		EXPECT_EQ(NO_SIZE, size);
		return;
	}
	EXPECT_NE(MAP_FAILED, map_rw(fd, size));
	EXPECT_EQ(MAP_FAILED, map_rw(fd, size + 1));
}

TEST_F(node, cannot_be_given_another_size)
{
	int fd = open(node(), O_RDWR);

	EXPECT_ERRNO(EINVAL, ftruncate(fd, 0));
	EXPECT_ERRNO(EINVAL, ftruncate(fd, 2 * WINDOW));
	EXPECT_ERRNO(EINVAL, truncate(node(), 0));
	EXPECT_ERRNO(ENODEV, fallocate(fd, 0, 0, 2 * WINDOW));
	EXPECT_LE(0, open(node(), O_RDWR | O_TRUNC));
	EXPECT_EQ(SIZE, size_of(fd));
}

/* It still is no file: calls on the bytes of files are refused. */
TEST_F(node, is_no_regular_file)
{
	int fd = open(node(), O_RDWR), null = open("/dev/null", O_WRONLY);
	struct fiemap fiemap = { .fm_length = WINDOW };
	long number = 0;

	EXPECT_ERRNO(EINVAL, readahead(fd, 0, WINDOW));
	EXPECT_ERRNO(EINVAL, sendfile(null, fd, NULL, WINDOW));
	EXPECT_ERRNO(EINVAL, copy_file_range(fd, NULL, fd, NULL, WINDOW, 0));
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, FS_IOC_FIEMAP, &fiemap));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, FIOQSIZE, &number));
	EXPECT_ERRNO(EINVAL, pread(fd, &number, 1, 0));
	EXPECT_EQ(0, posix_fadvise(fd, 0, WINDOW, POSIX_FADV_WILLNEED));
}

static int is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Longer than the resolution of file times. */
static void let_time_pass(void)
{
	usleep(50000);
}

static void touch_all(volatile char *map)
{
	long i;

	for (i = 0; i < WINDOW; i += page_size())
		map[i]++;
}

TEST_F(node, keeps_its_times_when_a_mapping_is_written_to)
{
	int fd = open(node(), O_RDWR);
	char *map = map_rw(fd, WINDOW);
	struct stat before, after;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, fstat(fd, &before));
	let_time_pass();
	touch_all(map);
	ASSERT_EQ(0, mprotect(map, WINDOW, PROT_READ));
	ASSERT_EQ(0, mprotect(map, WINDOW, PROT_READ | PROT_WRITE));
	touch_all(map);
	/* Then each page is write-protected, to see later writes. */
	ASSERT_EQ(0, write_file("/proc/self/clear_refs", "4"));
	touch_all(map);
	pid = fork();
	if (!pid) {
		touch_all(map);
		_exit(0);
	}
	ASSERT_EQ(0, wait_for(pid));
	ASSERT_EQ(0, fstat(fd, &after));
	EXPECT_TRUE(is_same_time(before.st_mtim, after.st_mtim));
	EXPECT_TRUE(is_same_time(before.st_ctim, after.st_ctim));
}

TEST_F(node, gets_new_times_from_who_changes_it)
{
	int fd = open(node(), O_RDWR);
	struct stat before, after;

	ASSERT_EQ(0, fstat(fd, &before));
	let_time_pass();
	ASSERT_EQ(0, fchmod(fd, 0600));
	ASSERT_EQ(0, fstat(fd, &after));
	EXPECT_TRUE(is_same_time(before.st_mtim, after.st_mtim));
	EXPECT_FALSE(is_same_time(before.st_ctim, after.st_ctim));
	ASSERT_EQ(0, futimens(fd, NULL));
	ASSERT_EQ(0, fstat(fd, &after));
	EXPECT_FALSE(is_same_time(before.st_mtim, after.st_mtim));
}

#define MAX_NAMESPACES	"/proc/sys/user/max_user_namespaces"

/* 0, or the errno of a refused user namespace. */
static int enter_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? errno : 0;
}

static int in_a_child(int (*what)(void))
{
	pid_t pid = fork();

	if (!pid)
		_exit(what());
	return wait_for(pid);
}

/* The limit is one namespace, so nobody gets another meanwhile. */
static int open_in_a_namespace(void)
{
	char *map;

	if (enter_namespace())
		return 1;
	map = map_rw(open(node(), O_RDWR), page_size());
	if (map == MAP_FAILED)
		return 2;
	*map = 1;
	return in_a_child(enter_namespace) == ENOSPC ? 0 : 3;
}

/* The kernel takes a namespace away a little after its last process has gone. */
static int namespace_is_to_be_had(void)
{
	time_t end = time(NULL) + 15;

	while (time(NULL) < end) {
		if (!in_a_child(enter_namespace))
			return 1;
		usleep(10000);
	}
	return 0;
}

TEST_F(node, does_not_keep_the_first_opener_s_namespace)
{
	long before = read_number(MAX_NAMESPACES, "");
	char text[24];

	ASSERT_LT(0, before);
	ASSERT_EQ(0, write_file(MAX_NAMESPACES, "1"));
	EXPECT_EQ(0, in_a_child(open_in_a_namespace));
	EXPECT_TRUE(namespace_is_to_be_had());
	snprintf(text, sizeof(text), "%ld", before);
	EXPECT_EQ(0, write_file(MAX_NAMESPACES, text));
}

TEST_HARNESS_MAIN
