// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charges for locked memory: how much, and until when. Each test runs as an ordinary user
 * with a limit of LIMIT pages; payer.c has several users.
 */
#include "harness.h"
#include "ledger.h"

#define WINDOW	16	/* pages */

/*
 * A user's test. Root opens the descriptor: the user who maps pays, not the one who opens.
 */
FIXTURE(user) {
	int fd, other;
	size_t page;
};

FIXTURE_SETUP(user)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	self->other = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_GE(self->other, 0);
	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
	ASSERT_EQ(0, user_locked(self->fd));
}

/* The test has exited: no charge may be left. */
FIXTURE_TEARDOWN_PARENT(user)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

#define MAP(pages)	map_rw(self->fd, (pages) * self->page)
#define LOCKED		pages_locked(self->fd)

TEST_F(user, one_page_below_the_limit_fits)
{
	EXPECT_NE(MAP_FAILED, MAP(LIMIT - 1));
	EXPECT_EQ(LIMIT - 1, LOCKED);
}

TEST_F(user, the_limit_itself_fits)
{
	char *map = MAP(LIMIT);

	EXPECT_NE(MAP_FAILED, map);
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munmap(map, LIMIT * self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, one_page_more_is_eagain_and_costs_nothing)
{
	EXPECT_EQ(MAP_FAILED, MAP(LIMIT + 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, LOCKED);
	EXPECT_EQ(0, is_allocated(self->fd));
}

TEST_F(user, several_mappings_are_a_sum)
{
	ASSERT_NE(MAP_FAILED, MAP(LIMIT - 1));
	EXPECT_EQ(MAP_FAILED, MAP(2));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(MAP_FAILED, MAP(1));
	EXPECT_EQ(LIMIT, LOCKED);
}

TEST_F(user, a_part_of_a_page_in_the_limit_is_no_page)
{
	ASSERT_EQ(0, set_memlock(LIMIT * self->page - 1));
	EXPECT_EQ(MAP_FAILED, MAP(LIMIT));
	EXPECT_NE(MAP_FAILED, MAP(LIMIT - 1));
}

TEST_F(user, a_limit_of_zero_allows_nothing)
{
	ASSERT_EQ(0, set_memlock(0));
	EXPECT_EQ(MAP_FAILED, MAP(1));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(user, the_same_page_twice_pays_twice)
{
	char *one = MAP(1), *two = MAP(1);

	EXPECT_EQ(2, LOCKED);
	EXPECT_EQ(0, munmap(one, self->page));
	EXPECT_EQ(1, LOCKED);
	EXPECT_EQ(0, munmap(two, self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, a_mapping_for_reading_pays)
{
	EXPECT_NE(MAP_FAILED,
		  map_device(self->fd, 3 * self->page, PROT_READ, 0));
	EXPECT_EQ(3, LOCKED);
}

TEST_F(user, the_last_byte_of_a_page_costs_the_page)
{
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, 2 * self->page + 1));
	EXPECT_EQ(3, LOCKED);
}

/* Other errors of a call come before the limit. */
TEST_F(user, refused_for_other_reasons_costs_nothing)
{
	size_t page = self->page;

	EXPECT_EQ(MAP_FAILED, MAP(WINDOW + 1));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, LIMIT * 2 * page, PROT_READ,
				   MAP_PRIVATE, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_device(self->fd, page, PROT_EXEC, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, closing_the_descriptor_returns_nothing)
{
	char *map = MAP(3);

	close(self->fd);
	EXPECT_EQ(3 * (long)self->page, user_locked(self->other));
	EXPECT_EQ(0, munmap(map, 3 * self->page));
	EXPECT_EQ(0, user_locked(self->other));
}

/* The whole price stays charged until the last piece is gone. */
TEST_F(user, unmapping_the_head_returns_nothing)
{
	char *map = MAP(4);

	EXPECT_EQ(0, munmap(map, self->page));
	EXPECT_EQ(4, LOCKED);
	EXPECT_EQ(0, munmap(map + self->page, 3 * self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, unmapping_the_tail_returns_nothing)
{
	char *map = MAP(4);

	EXPECT_EQ(0, munmap(map + 3 * self->page, self->page));
	EXPECT_EQ(4, LOCKED);
	EXPECT_EQ(0, munmap(map, 3 * self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, unmapping_the_middle_returns_nothing)
{
	char *map = MAP(4);

	EXPECT_EQ(0, munmap(map + self->page, 2 * self->page));
	EXPECT_EQ(4, LOCKED);
	EXPECT_EQ(0, munmap(map, self->page));
	EXPECT_EQ(4, LOCKED);
	EXPECT_EQ(0, munmap(map + 3 * self->page, self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, protecting_a_part_costs_nothing)
{
	char *map = MAP(LIMIT);

	EXPECT_EQ(0, mprotect(map + self->page, self->page, PROT_READ));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munmap(map, LIMIT * self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, shrinking_by_mremap_returns_nothing)
{
	char *map = MAP(4);

	EXPECT_EQ(map, mremap(map, 4 * self->page, self->page, 0));
	EXPECT_EQ(4, LOCKED);
	EXPECT_EQ(0, munmap(map, self->page));
	EXPECT_EQ(0, LOCKED);
}

/* At the limit: the temporary copy of mremap is not charged. */
TEST_F(user, moving_by_mremap_costs_nothing)
{
	size_t len = LIMIT * self->page;
	char *map = MAP(LIMIT);
	char *to = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_EQ(to, mremap(map, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munmap(to, len));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, moving_a_part_by_mremap_costs_nothing)
{
	size_t page = self->page;
	char *map = MAP(LIMIT);
	char *to = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_EQ(to, mremap(map + page, page, page,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(0, munmap(map, LIMIT * page));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munmap(to, page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, refused_growing_by_mremap_changes_nothing)
{
	char *map = MAP(2);

	EXPECT_EQ(MAP_FAILED, mremap(map, 2 * self->page, 3 * self->page,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(2, LOCKED);
}

/* At the limit: the charge of the replaced mapping is returned first. */
TEST_F(user, map_fixed_over_a_mapping_replaces_its_charge)
{
	size_t len = LIMIT * self->page;
	char *map = MAP(LIMIT);

	EXPECT_EQ(map, mmap(map, len, PROT_READ, MAP_SHARED | MAP_FIXED,
			    self->fd, 0));
	EXPECT_EQ(LIMIT, LOCKED);
}

TEST_F(user, map_fixed_over_a_part_pays_on_top)
{
	char *map = MAP(4);

	EXPECT_EQ(map, mmap(map, self->page, PROT_READ, MAP_SHARED | MAP_FIXED,
			    self->fd, 0));
	EXPECT_EQ(5, LOCKED);
	EXPECT_EQ(0, munmap(map, 4 * self->page));
	EXPECT_EQ(0, LOCKED);
}

/* The kernel has unmapped the old mapping before it asks the device. */
TEST_F(user, refused_map_fixed_returns_what_it_replaced)
{
	size_t page = self->page;
	char *room = mmap(NULL, (LIMIT + 1) * page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(room, mmap(room, LIMIT * page, PROT_READ,
			     MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(room, (LIMIT + 1) * page, PROT_READ,
				   MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, remap_file_pages_replaces_the_charge)
{
	size_t len = LIMIT * self->page;
	char *map = MAP(LIMIT);

	EXPECT_EQ(0, remap_file_pages(map, len, 0, 0, 0));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munmap(map, len));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, remap_file_pages_of_a_part_pays_on_top)
{
	char *map = MAP(4);

	EXPECT_EQ(0, remap_file_pages(map, self->page, 0, 1, 0));
	EXPECT_EQ(5, LOCKED);
	EXPECT_EQ(0, munmap(map, 4 * self->page));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, mlock_does_not_pay_again)
{
	char *map = MAP(LIMIT);

	EXPECT_EQ(0, mlock(map, LIMIT * self->page));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munlock(map, LIMIT * self->page));
	EXPECT_EQ(LIMIT, LOCKED);
}

TEST_F(user, lowering_the_limit_below_what_is_used_is_felt_later)
{
	char *map = MAP(LIMIT);

	ASSERT_EQ(0, set_memlock(2 * self->page));
	map[0] = 1;
	EXPECT_EQ(MAP_FAILED, MAP(1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, munmap(map, LIMIT * self->page));
	EXPECT_EQ(MAP_FAILED, MAP(3));
	EXPECT_NE(MAP_FAILED, MAP(2));
	EXPECT_EQ(2, LOCKED);
}

/* A child that waits until it is killed. */
static pid_t fork_waiting(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return pid;
}

TEST_F(user, fork_at_the_limit_costs_nothing)
{
	char *map = MAP(LIMIT);
	pid_t pid = fork_waiting();

	ASSERT_GT(pid, 0);
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(0, munmap(map, LIMIT * self->page));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
	EXPECT_EQ(0, LOCKED);
}

TEST_F(user, a_child_keeps_the_charge_after_its_parent_exits)
{
	int pipes[2];
	pid_t parent, child;

	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_EQ(0, pipe(pipes));
	parent = fork();
	if (!parent) {
		MAP(3);
		child = fork();
		if (!child)
			pause();
		_exit(write(pipes[1], &child, sizeof(child)) != sizeof(child));
	}
	ASSERT_EQ(sizeof(child), read(pipes[0], &child, sizeof(child)));
	ASSERT_EQ(0, wait_for(parent));
	EXPECT_EQ(3, LOCKED);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(child));
	EXPECT_EQ(0, LOCKED);
}

/* exec closes the pipe, after it has dropped the old address space. */
TEST_F(user, exec_returns_the_charge)
{
	int pipes[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		c = MAP(3) != MAP_FAILED && LOCKED == 3;
		if (write(pipes[1], &c, 1) == 1)
			execlp("sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close(pipes[1]);
	EXPECT_EQ(1, read(pipes[0], &c, 1));
	EXPECT_EQ(1, c);
	EXPECT_EQ(0, read(pipes[0], &c, 1));
	EXPECT_EQ(0, LOCKED);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
}

/* Map and unmap pieces until killed; most of the time something is mapped. */
static void map_for_ever(int fd, size_t page)
{
	for (;;) {
		char *map = map_rw(fd, 4 * page);

		if (map == MAP_FAILED)
			_exit(1);
		mprotect(map + page, page, PROT_READ);
		munmap(map + 2 * page, page);
		munmap(map, 4 * page);
	}
}

TEST_F(user, being_killed_in_the_middle_returns_everything)
{
	int i, held = 0;

	for (i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (!pid)
			map_for_ever(self->fd, self->page);
		usleep(997 * i % 20000);
		held += LOCKED > 0;
		ASSERT_EQ(128 + SIGKILL, kill_and_wait(pid));
		ASSERT_EQ(0, LOCKED);
	}
	EXPECT_GT(held, 0);
}

TEST_HARNESS_MAIN
