// SPDX-License-Identifier: GPL-2.0-only
/*
 * open(9E), close(9E) and ioctl(9E): when a driver is called, with which flags,
 * and what the program sees of the answers.
 */
#include <limits.h>

#include "kselftest_harness.h"
#include "doorman.h"

FIXTURE(open) {
	int fd;		/* takes orders */
	int door;
};

FIXTURE_SETUP(open)
{
	self->fd = doorman_start();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(open)
{
	EXPECT_EQ(0, driver_unload("doorman"));
}

#define COUNT(what)	(doorman_counts(self->fd).what)

/* The flags that open(9E) and close(9E) have for those of open(2). */
FIXTURE(flag) {
	int fd;
};

FIXTURE_VARIANT(flag) {
	int flags;
	__u32 open_flag;
	__u32 close_flag;
};

FIXTURE_VARIANT_ADD(flag, rdonly) {
	O_RDONLY, FREAD, FREAD
};

FIXTURE_VARIANT_ADD(flag, wronly) {
	O_WRONLY, FWRITE, FWRITE
};

FIXTURE_VARIANT_ADD(flag, rdwr) {
	O_RDWR, FREAD | FWRITE, FREAD | FWRITE
};

FIXTURE_VARIANT_ADD(flag, nonblock) {
	O_RDONLY | O_NONBLOCK, FREAD | FNDELAY | FNONBLOCK, FREAD | FNDELAY | FNONBLOCK
};

FIXTURE_VARIANT_ADD(flag, append) {
	O_WRONLY | O_APPEND, FWRITE | FAPPEND, FWRITE | FAPPEND
};

FIXTURE_VARIANT_ADD(flag, sync) {
	O_WRONLY | O_SYNC, FWRITE | FSYNC, FWRITE | FSYNC
};

FIXTURE_VARIANT_ADD(flag, dsync) {
	O_WRONLY | O_DSYNC, FWRITE | FDSYNC, FWRITE | FDSYNC
};

/* The kernel forgets it when the file is open. */
FIXTURE_VARIANT_ADD(flag, excl) {
	O_RDWR | O_EXCL, FREAD | FWRITE | FEXCL, FREAD | FWRITE
};

FIXTURE_SETUP(flag)
{
	self->fd = doorman_start();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(flag)
{
	EXPECT_EQ(0, driver_unload("doorman"));
}

TEST_F(flag, open_close_and_ioctl_have_it)
{
	__u32 model = IS_ILP32 ? DDI_MODEL_ILP32 : DDI_MODEL_LP64;
	int door = open(DOOR, variant->flags);

	ASSERT_GE(door, 0);
	EXPECT_EQ(variant->open_flag, COUNT(open_flag));
	EXPECT_EQ(variant->close_flag | model, ioctl(door, DOORMAN_IOC_MODE));
	close(door);
	EXPECT_EQ(variant->close_flag, COUNT(close_flag));
}

/* What fcntl(2) changes, ioctl(9E) and close(9E) see. */
TEST_F(open, flag_changes_with_fcntl)
{
	__u32 model = IS_ILP32 ? DDI_MODEL_ILP32 : DDI_MODEL_LP64;

	self->door = open(DOOR, O_RDONLY);
	ASSERT_EQ(0, fcntl(self->door, F_SETFL, O_NONBLOCK | O_APPEND));
	EXPECT_EQ(FREAD | FNDELAY | FNONBLOCK | FAPPEND | model,
		  ioctl(self->door, DOORMAN_IOC_MODE));
	ASSERT_EQ(0, fcntl(self->door, F_SETFL, 0));
	EXPECT_EQ(FREAD | model, ioctl(self->door, DOORMAN_IOC_MODE));
	ASSERT_EQ(0, fcntl(self->door, F_SETFL, O_NONBLOCK));
	close(self->door);
	EXPECT_EQ(FREAD | FNDELAY | FNONBLOCK, COUNT(close_flag));
}

/* ioctl(2) with the value that the driver is to return. */
static long ioctl_returning(int fd, int value)
{
	return syscall(SYS_ioctl, fd, DOORMAN_IOC_RETURN, value);
}

TEST_F(open, value_of_ioctl_is_returned)
{
	const int values[] = { 0, 1, 4095, 4096, INT_MAX, INT_MIN, -100000, -4096 };
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(*values); i++)
		EXPECT_EQ(values[i], ioctl_returning(self->fd, values[i]));
}

TEST_F(open, value_of_ioctl_that_looks_like_an_errno_is_eoverflow)
{
	const int values[] = { -1, -2, -EINTR, -512, -513, -4095 };
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		EXPECT_EQ(-1, ioctl_returning(self->fd, values[i]));
		EXPECT_EQ(EOVERFLOW, errno);
	}
}

TEST_F(open, error_of_ioctl_that_is_none_is_enxio)
{
	const int errors[] = { -1, -EINVAL, 512, 4095, 4096, INT_MIN, INT_MAX };
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		EXPECT_EQ(-1, ioctl(self->fd, DOORMAN_IOC_FAIL, errors[i]));
		EXPECT_EQ(ENXIO, errno);
	}
	EXPECT_EQ(-1, ioctl(self->fd, DOORMAN_IOC_FAIL, 511));
	EXPECT_EQ(511, errno);
}

/* The kernel's log names each driver that breaks its contract, but once. */
TEST_F(open, driver_that_breaks_its_contract_is_named_once)
{
	int i, other;

	close(self->fd);
	ASSERT_EQ(0, driver_unload("doorman"));
	ASSERT_EQ(0, driver_load("doorman", "again=second"));
	self->fd = open(DOORMAN, O_RDWR);
	other = open("/dev/second0", O_RDWR);
	ASSERT_EQ(0, log_clear());
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-1, ioctl(self->fd, DOORMAN_IOC_FAIL, -7));
		EXPECT_EQ(-1, ioctl(other, DOORMAN_IOC_RETURN, -7));
	}
	EXPECT_EQ(1, log_count("ioctl() of driver doorman returned -7,"));
	EXPECT_EQ(1, log_count("ioctl() of driver second set *rvalp to -7,"));
	EXPECT_EQ(2, log_count(" of driver "));
}

TEST_F(open, driver_whose_open_breaks_its_contract_is_named)
{
	ASSERT_EQ(0, driver_insert("probe", ""));
	ASSERT_EQ(0, log_clear());
	EXPECT_EQ(-1, open("/dev/probe3", O_RDWR));
	EXPECT_EQ(-1, open("/dev/probe3", O_RDWR));
	EXPECT_EQ(1, log_count("open() of driver probe returned -1,"));
	EXPECT_EQ(0, module_remove("probe"));
}

/* The driver mute has the same devmap() as the driver probe. */
TEST_F(open, drivers_whose_devmap_breaks_its_contract_are_named)
{
	struct probe_plan plan = {};
	int probe, mute, i;

	ASSERT_EQ(0, driver_insert("probe", ""));
	probe = open(PROBE, O_RDWR);
	mute = open("/dev/mute0", O_RDWR);
	for (i = 0; i < PROBE_HANDLES; i++)
		plan.handle[i].what = PROBE_NO_SETUP;
	ASSERT_EQ(0, probe_plan(probe, &plan));
	ASSERT_EQ(0, log_clear());
	EXPECT_EQ(MAP_FAILED, map_rw(probe, page_size()));
	EXPECT_EQ(MAP_FAILED, map_rw(mute, page_size()));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_rw(mute, page_size()));
	EXPECT_EQ(1, log_count("devmap() of driver probe returned 0 without"));
	EXPECT_EQ(1, log_count("devmap() of driver mute returned 0 without"));
	close(probe);
	close(mute);
	EXPECT_EQ(0, module_remove("probe"));
}

TEST_HARNESS_MAIN
