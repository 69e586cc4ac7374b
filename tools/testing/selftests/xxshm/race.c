// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes on two processors do the same at the same moment, thousands of
 * times, so that what is not one step in the kernel comes apart. Each is first
 * often, so they did meet.
 */
#include "harness.h"
#include "ledger.h"
#include "meet.h"

#define ROUNDS	20000
#define ENOUGH	100	/* rounds, however long they take */
#define SECONDS	8

FIXTURE(race) {
	struct meeting *meeting;
	int fd;
	size_t page;
};

FIXTURE_SETUP(race)
{
	self->page = page_size();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor alone has no races");
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
	self->meeting = meeting_new(2, ROUNDS, SECONDS);
	ASSERT_NE(NULL, self->meeting);
	self->meeting->rounds_min = ENOUGH;
}

FIXTURE_TEARDOWN_PARENT(race)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* How often not exactly one of the two got what only one can have. */
static int take_all(struct meeting *meeting, int fd, int self, size_t len)
{
	int wrong = 0;

	while (begin(meeting, self)) {
		char *map = map_rw(fd, len);

		meeting->got[self] = map != MAP_FAILED;
		meet(meeting);
		wrong += meeting->got[0] + meeting->got[1] != 1;
		wrong += user_locked(fd) != (long)len;
		if (!self)
			aim(meeting, !meeting->got[0]);
		meet(meeting);
		if (map != MAP_FAILED)
			munmap(map, len);
		meet(meeting);
	}
	return wrong;
}

TEST_F_TIMEOUT(race, one_of_two_gets_what_only_one_can_have, 600)
{
	size_t len = LIMIT * self->page;
	pid_t pid;

	if (fork_pair(&pid))
		_exit(take_all(self->meeting, self->fd, 1, len) ? 1 : 0);
	EXPECT_EQ(0, take_all(self->meeting, self->fd, 0, len));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_GT(self->meeting->rounds, ENOUGH);
	EXPECT_HITS(self->meeting);
}

/* How often the ledger was not as two mappings leave it. */
static int map_and_unmap(struct meeting *meeting, int fd, int self, size_t len)
{
	int wrong = 0;

	while (begin(meeting, self)) {
		char *map = map_rw(fd, len);
		int second = came_second(meeting);

		meet(meeting);
		wrong += user_locked(fd) != 2 * (long)len;
		meet_askew(meeting, self);
		munmap(map, len);
		meet(meeting);
		wrong += user_locked(fd) != 0;
		if (!self)
			aim(meeting, second);
		meet(meeting);
	}
	return wrong;
}

TEST_F_TIMEOUT(race, no_charge_is_lost, 600)
{
	size_t len = LIMIT / 2 * self->page;
	pid_t pid;

	if (fork_pair(&pid))
		_exit(map_and_unmap(self->meeting, self->fd, 1, len) ? 1 : 0);
	EXPECT_EQ(0, map_and_unmap(self->meeting, self->fd, 0, len));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_GT(self->meeting->rounds, ENOUGH);
	EXPECT_HITS(self->meeting);
}

/* Each move makes a copy of the VMA, and drops the old one. */
static int move(struct meeting *meeting, char *map, int self, size_t len)
{
	int wrong = 0, second;
	char *other = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	while (begin(meeting, self)) {
		char *from = map;

		map = mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, other);
		second = came_second(meeting);
		if (!self)
			aim(meeting, second);
		wrong += map != other;
		other = from;
	}
	meet(meeting);
	munmap(map, len);
	return wrong;
}

TEST_F_TIMEOUT(race, no_reference_is_lost, 600)
{
	char *map = map_rw(self->fd, self->page);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	if (fork_pair(&pid))
		_exit(move(self->meeting, map, 1, self->page) ? 1 : 0);
	EXPECT_EQ(0, move(self->meeting, map, 0, self->page));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_GT(self->meeting->rounds, ENOUGH);
	EXPECT_HITS(self->meeting);
	EXPECT_EQ(0, user_locked(self->fd));
}

TEST_HARNESS_MAIN
