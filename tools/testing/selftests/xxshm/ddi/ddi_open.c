// SPDX-License-Identifier: GPL-2.0-only
/*
 * open(9E), close(9E) and ioctl(9E): when a driver is called, with which flags,
 * and what the program sees of the answers.
 */
#include <limits.h>
#include <pthread.h>

#include "../harness.h"
#include "doorman.h"

#define CROWD	6
#define TURNS	150	/* of each thread of the crowd */

FIXTURE(open) {
	int fd;		/* takes orders */
	int door;
	pid_t pid;
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

#define LET_OPEN(call)	ASSERT_EQ(0, ioctl(self->fd, DOORMAN_IOC_LET_OPEN, call))
#define LET_CLOSE(call)	ASSERT_EQ(0, ioctl(self->fd, DOORMAN_IOC_LET_CLOSE, call))
#define COUNT(what)	(doorman_counts(self->fd).what)

/* Open the door while an open(9E) that began before it waits. */
TEST_F(open, opens_are_not_serialised)
{
	pid_t second;

	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){ .open_waits = 0x1 }));
	self->pid = open_in_child(O_RDWR);
	ASSERT_EQ(0, doorman_await_opens(self->fd, 1));
	second = open_in_child(O_RDWR);
	EXPECT_EQ(0, wait_within(SOON / 2, second));
	EXPECT_EQ(1, COUNT(opening));
	LET_OPEN(0);
	EXPECT_EQ(0, wait_within(SOON, self->pid));
	EXPECT_EQ(2, COUNT(opened));
	EXPECT_EQ(1, COUNT(closes));
	EXPECT_EQ(0, COUNT(faults));
}

/* The door is also open in a child, which closes it when it gets a byte. */
static pid_t close_in_child(int door, int ends[2])
{
	pid_t pid;
	char byte;

	if (pipe(ends))
		return -1;
	pid = fork_bound();
	if (pid)
		return pid;
	if (read(ends[0], &byte, 1) != 1)
		_exit(1);
	_exit(close(door) ? errno : 0);
}

TEST_F(open, close_does_not_wait_for_an_open)
{
	int ends[2];
	pid_t closer;

	self->door = open(DOOR, O_RDWR);
	ASSERT_GE(self->door, 0);
	closer = close_in_child(self->door, ends);
	close(self->door);
	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){ .open_waits = 0x1 }));
	self->pid = open_in_child(O_RDWR);
	ASSERT_EQ(0, doorman_await_opens(self->fd, 1));
	ASSERT_EQ(1, write(ends[1], "", 1));
	EXPECT_EQ(0, wait_within(SOON / 2, closer));
	EXPECT_EQ(0, COUNT(closes));
	LET_OPEN(0);
	EXPECT_EQ(0, wait_within(SOON, self->pid));
	EXPECT_EQ(1, COUNT(closes));
	EXPECT_EQ(0, COUNT(faults));
}

/* All files are closed, and then the open(9E) that waited fails: it closes. */
TEST_F(open, open_that_fails_last_calls_close)
{
	const struct doorman_plan wait_and_fail = { .open_waits = 0x1, .open_fails = 0x1 };
	pid_t pid;

	self->door = open(DOOR, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->door, 0);
	ASSERT_EQ(0, doorman_plan(self->fd, wait_and_fail));
	pid = fork_bound();
	if (!pid) {
		close(self->door);
		_exit(open(DOOR, O_RDONLY) < 0 ? errno : 0);
	}
	self->pid = pid;	/* the child sees it, too */
	ASSERT_EQ(0, doorman_await_opens(self->fd, 1));
	ASSERT_EQ(0, close(self->door));
	EXPECT_EQ(0, COUNT(closes));
	LET_OPEN(0);
	EXPECT_EQ(EIO, wait_within(SOON, self->pid));
	EXPECT_EQ(1, COUNT(closes));
	/* As the file was open that was closed last. */
	EXPECT_EQ(FREAD | FWRITE, COUNT(close_flag));
	EXPECT_EQ(0, COUNT(faults));
}

TEST_F(open, open_that_fails_alone_does_not_call_close)
{
	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){ .open_fails = 0x1 }));
	EXPECT_EQ(-1, open(DOOR, O_RDWR));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, COUNT(closes));
	self->door = open(DOOR, O_RDWR);
	ASSERT_GE(self->door, 0);
	close(self->door);
	EXPECT_EQ(1, COUNT(closes));
}

TEST_F(open, open_that_fails_beside_an_open_file_does_not_call_close)
{
	self->door = open(DOOR, O_RDWR);
	ASSERT_GE(self->door, 0);
	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){ .open_fails = 0x1 }));
	EXPECT_EQ(-1, open(DOOR, O_RDWR));
	EXPECT_EQ(0, COUNT(closes));
	close(self->door);
	EXPECT_EQ(1, COUNT(closes));
	EXPECT_EQ(0, COUNT(faults));
}

/* A child closes the door for the last time, and close(9E) takes its time. */
static pid_t close_slowly(int fd)
{
	const struct doorman_plan wait = { .close_waits = 0x1 };
	pid_t pid;

	if (doorman_plan(fd, wait))
		return -1;
	pid = open_in_child(O_RDWR);
	return WITHIN(SOON / 2, doorman_counts(fd).closing == 1) ? pid : -1;
}

TEST_F(open, open_waits_for_close_to_return)
{
	pid_t opener;

	self->pid = close_slowly(self->fd);
	ASSERT_GT(self->pid, 0);
	opener = open_in_child(O_RDWR);
	usleep(200000);
	EXPECT_EQ(1, COUNT(opens));
	LET_CLOSE(0);
	EXPECT_EQ(0, wait_within(SOON, opener));
	EXPECT_EQ(0, wait_within(SOON, self->pid));
	EXPECT_EQ(2, COUNT(opened));
	EXPECT_EQ(2, COUNT(closes));
	EXPECT_EQ(0, COUNT(faults));
}

TEST_F(open, kill_ends_the_wait_for_close)
{
	pid_t opener;

	self->pid = close_slowly(self->fd);
	ASSERT_GT(self->pid, 0);
	opener = open_in_child(O_RDWR);
	usleep(200000);
	kill(opener, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_within(SOON / 2, opener));
	EXPECT_EQ(1, COUNT(closing));
	LET_CLOSE(0);
	EXPECT_EQ(0, wait_within(SOON, self->pid));
	EXPECT_EQ(1, COUNT(opens));
}

static void ignore(int sig)
{
}

TEST_F(open, interrupted_open_is_eintr)
{
	struct sigaction action = { .sa_handler = ignore };

	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){ .open_waits = 0x1 }));
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	self->pid = open_in_child(O_RDWR);
	ASSERT_EQ(0, doorman_await_opens(self->fd, 1));
	kill(self->pid, SIGUSR1);
	EXPECT_EQ(EINTR, wait_within(SOON, self->pid));
	EXPECT_EQ(0, COUNT(closes));
}

static void *open_in_turns(void *data)
{
	long opened = 0;
	int turn, door;

	for (turn = 0; turn < TURNS; turn++) {
		door = open(DOOR, turn % 2 ? O_RDWR : O_RDONLY);
		if (door < 0)
			continue;
		opened++;
		if (turn % 3)
			sched_yield();
		close(door);
	}
	return (void *)opened;
}

/* Threads open and close at random. The driver counts calls that overlap. */
TEST_F(open, crowd_never_sees_close_too_early_or_twice)
{
	pthread_t threads[CROWD];
	unsigned long opened = 0;
	struct doorman_counts counts;
	void *each;
	int i;

	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){ .fail_every = 3 }));
	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, open_in_turns, NULL));
	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &each));
		opened += (unsigned long)each;
	}
	counts = doorman_counts(self->fd);
	EXPECT_EQ(CROWD * TURNS, counts.opens);
	EXPECT_EQ(opened, counts.opened);
	EXPECT_EQ(0, counts.opening + counts.closing + counts.faults);
	EXPECT_GE(counts.closes, 1);
	EXPECT_LE(counts.closes, counts.opened);
}

/* The last close(2) is that of the last process that has the file. */
TEST_F(open, inherited_descriptor_keeps_the_minor_open)
{
	int ends[2];

	ASSERT_EQ(0, doorman_plan(self->fd, (struct doorman_plan){}));
	self->door = open(DOOR, O_RDWR);
	ASSERT_GE(self->door, 0);
	self->pid = close_in_child(self->door, ends);
	close(self->door);
	EXPECT_EQ(0, COUNT(closes));
	ASSERT_EQ(1, write(ends[1], "", 1));
	EXPECT_EQ(0, wait_within(SOON, self->pid));
	EXPECT_EQ(1, COUNT(closes));
}

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
