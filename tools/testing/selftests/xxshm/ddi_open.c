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
