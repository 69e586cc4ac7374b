// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be read about the accounting: fdinfo, sysfs, the ioctl, and the
 * tracepoints. And that the log stays clean.
 */
#include "harness.h"
#include "ledger.h"
#include "tracing.h"

#define MODEL_NAME	(IS_ILP32 ? "ilp32" : "lp64")
#define READ_AS_OTHER	(IS_ILP32 ? "../lp64/peer read 0" : "../ia32/peer read 0")

FIXTURE(device) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(device)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, module_unload());
}

#define MAP(pages)	map_rw(self->fd, (pages) * self->page)

static int fdinfo_has_mapping(int fd, const char *model, int offset,
			      int charged, int uid)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "mapping:\tmodel=%s offset=%d charged=%d uid=%d", model,
		 offset, charged, uid);
	return fdinfo_has(fd, line);
}

TEST_F(device, fdinfo_of_a_fresh_descriptor)
{
	EXPECT_EQ(1, fdinfo_has(self->fd, "window_size:\t65536"));
	EXPECT_EQ(1, fdinfo_has(self->fd, "backing:\tlocked"));
	EXPECT_EQ(1, fdinfo_has(self->fd, "allocated:\tnone"));
	EXPECT_EQ(1, fdinfo_has(self->fd, "charged:\t0"));
}

TEST_F(device, fdinfo_says_which_windows_are_allocated)
{
	ASSERT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(1, fdinfo_has(self->fd, IS_ILP32 ? "allocated:\tilp32" :
						     "allocated:\tlp64"));
	ASSERT_EQ(0, system(READ_AS_OTHER));
	EXPECT_EQ(1, fdinfo_has(self->fd, "allocated:\tlp64 ilp32"));
}

TEST_F(device, fdinfo_says_what_each_mapping_costs)
{
	char *map;

	ASSERT_NE(MAP_FAILED, MAP(1));
	map = map_device(self->fd, 3 * self->page, PROT_READ, 8192);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, fdinfo_has(self->fd, "charged:\t16384"));
	EXPECT_EQ(1, fdinfo_has_mapping(self->fd, MODEL_NAME, 0, 4096, 0));
	EXPECT_EQ(1, fdinfo_has_mapping(self->fd, MODEL_NAME, 8192, 12288, 0));
	ASSERT_EQ(0, munmap(map, 3 * self->page));
	EXPECT_EQ(0, fdinfo_has_mapping(self->fd, MODEL_NAME, 8192, 12288, 0));
	EXPECT_EQ(1, fdinfo_has(self->fd, "charged:\t4096"));
}

/* Pieces and copies of a mapping belong to the one call that paid. */
TEST_F(device, fdinfo_has_one_line_for_a_mapping_and_its_pieces)
{
	char *map = MAP(4);
	pid_t pid;

	ASSERT_EQ(0, munmap(map + self->page, self->page));
	pid = fork();
	if (!pid)
		pause();
	EXPECT_EQ(1, fdinfo_has_mapping(self->fd, MODEL_NAME, 0, 16384, 0));
	kill(pid, SIGKILL);
	wait_for(pid);
}

TEST_F(device, fdinfo_is_about_one_descriptor)
{
	int other = open(DEVICE, O_RDWR);

	ASSERT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(1, fdinfo_has(other, "charged:\t0"));
	EXPECT_EQ(0, fdinfo_has_mapping(other, MODEL_NAME, 0, 4096, 0));
}

TEST_F(device, fdinfo_names_who_pays)
{
	ASSERT_EQ(0, setresuid(USER_A, 0, 0));
	ASSERT_NE(MAP_FAILED, MAP(1));
	ASSERT_EQ(0, setresuid(0, 0, 0));
	ASSERT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(1, fdinfo_has_mapping(self->fd, MODEL_NAME, 0, 4096, USER_A));
	EXPECT_EQ(1, fdinfo_has_mapping(self->fd, MODEL_NAME, 0, 4096, 0));
}

/* More than the kernel's first buffer holds. */
TEST_F(device, fdinfo_has_room_for_a_thousand_mappings)
{
	int i;

	for (i = 0; i < 1000; i++)
		ASSERT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(1000, fdinfo_has_mapping(self->fd, MODEL_NAME, 0, 4096, 0));
	EXPECT_EQ(1, fdinfo_has(self->fd, "charged:\t4096000"));
}

TEST_F(device, ioctl_says_what_a_descriptor_and_a_user_are_charged)
{
	int other = open(DEVICE, O_RDWR);
	long before = user_locked(self->fd);

	ASSERT_NE(MAP_FAILED, MAP(3));
	ASSERT_NE(MAP_FAILED, map_rw(other, self->page));
	EXPECT_EQ(3 * (long)self->page, charged(self->fd));
	EXPECT_EQ((long)self->page, charged(other));
	EXPECT_EQ(before + 4 * (long)self->page, user_locked(self->fd));
}

TEST_F(device, sysfs_of_a_fresh_device)
{
	EXPECT_EQ(65536, device_attribute("window_size"));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, device_attribute("refused"));
}

TEST_F(device, sysfs_sums_the_windows)
{
	ASSERT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(65536, device_attribute("allocated"));
	ASSERT_EQ(0, system(READ_AS_OTHER));
	EXPECT_EQ(2 * 65536, device_attribute("allocated"));
}

TEST_F(device, sysfs_sums_all_descriptors)
{
	char *map = MAP(2), *other = map_rw(open(DEVICE, O_RDWR), self->page);

	EXPECT_EQ(3 * (long)self->page, device_attribute("charged"));
	ASSERT_EQ(0, munmap(map, 2 * self->page));
	EXPECT_EQ((long)self->page, device_attribute("charged"));
	ASSERT_EQ(0, munmap(other, self->page));
	EXPECT_EQ(0, device_attribute("charged"));
}

/* Count only refusals by the limit, not other errors. */
TEST_F(device, sysfs_counts_refusals)
{
	ASSERT_EQ(0, become_user(USER_A, self->page));
	EXPECT_EQ(MAP_FAILED, MAP(2));
	EXPECT_EQ(MAP_FAILED, MAP(3));
	EXPECT_EQ(MAP_FAILED, MAP(17));
	EXPECT_EQ(2, device_attribute("refused"));
}

TEST_F(device, sysfs_is_for_reading_by_all)
{
	static const char *const names[] = { "window_size", "allocated", "charged", "refused" };
	struct stat st;
	char path[64];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/sys/class/xxshm/xxshm0/%s",
			 names[i]);
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_EQ(S_IFREG | 0444, (int)st.st_mode);
	}
}

FIXTURE(traced) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(traced)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	ASSERT_EQ(0, write_file(TRACING "/trace", ""));
	ASSERT_EQ(0, write_file(EVENTS, "1"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(traced)
{
	EXPECT_EQ(0, write_file(EVENTS, "0"));
	EXPECT_EQ(0, module_unload());
}

/* In a child, whose user may lock two pages: map, be refused, unmap. */
static int use_as_user(int fd, size_t page)
{
	pid_t pid = fork();

	if (!pid) {
		char *map;

		if (become_user(USER_A, 2 * page))
			_exit(1);
		map = map_rw(fd, page);
		map_rw(fd, 2 * page);
		munmap(map, page);
		_exit(0);
	}
	return wait_for(pid);
}

TEST_F(traced, each_step_is_an_event)
{
	ASSERT_EQ(0, use_as_user(self->fd, self->page));
	EXPECT_TRUE(trace_has("xxshm_charge: uid=4201 requested=4096 used=4096 limit=8192"));
	EXPECT_TRUE(trace_has("xxshm_refuse: uid=4201 requested=8192 used=4096 limit=8192"));
	EXPECT_TRUE(trace_has("xxshm_uncharge: uid=4201 returned=4096 used=0"));
}

static int fails(long got, int with)
{
	return got == -1 && errno == with;
}

static int map_fails(int fd, size_t len, int prot, int flags, off_t offset,
		     int with)
{
	return fails((long)mmap(NULL, len, prot, flags, fd, offset), with);
}

/* How many ways to map are refused as they should be. */
static int count_refused_maps(int fd, int reader, size_t page)
{
	const int rw = PROT_READ | PROT_WRITE;

	return map_fails(fd, 17 * page, rw, MAP_SHARED, 0, ENXIO) +
	       map_fails(fd, page, rw, MAP_SHARED, 16 * page, ENXIO) +
	       map_fails(fd, page, rw, MAP_PRIVATE, 0, EINVAL) +
	       map_fails(fd, page, rw | PROT_EXEC, MAP_SHARED, 0, EACCES) +
	       map_fails(reader, page, rw, MAP_SHARED, 0, EACCES) +
	       map_fails(fd, 2 * page, rw, MAP_SHARED, 0, EAGAIN);
}

/* The same for other calls. */
static int count_refused_calls(int fd)
{
	char byte = 0;

	return fails(ioctl(fd, XXSHM_IOC_INFO + 1, &byte), ENOTTY) +
	       fails(ioctl(fd, XXSHM_IOC_INFO & ~IOCSIZE_MASK, &byte), EINVAL) +
	       fails(ioctl(fd, XXSHM_IOC_INFO, NULL), EFAULT) +
	       fails(read(fd, &byte, 1), EINVAL) +
	       fails(write(fd, &byte, 1), EINVAL) +
	       fails(lseek(fd, -1, SEEK_SET), EINVAL);
}

/* A refusal is nobody's news: any user can have as many as it likes. */
TEST_F(device, refusals_are_not_logged)
{
	char line[1024];
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), said = 0, i;
	int reader = open(DEVICE, O_RDONLY);

	ASSERT_GE(log, 0);
	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, lseek(log, 0, SEEK_END));
	ASSERT_EQ(0, become_user(USER_A, self->page));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(6, count_refused_maps(self->fd, reader, self->page));
		ASSERT_EQ(6, count_refused_calls(self->fd));
	}
	while ((i = read(log, line, sizeof(line) - 1)) > 0) {
		line[i] = '\0';
		said += !!strstr(line, "xxshm");
	}
	EXPECT_EQ(0, said);
}

TEST_HARNESS_MAIN
