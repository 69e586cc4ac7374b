// SPDX-License-Identifier: GPL-2.0-only
/*
 * The payer of locked memory, with several processes, users, namespaces, and other parts of
 * the kernel that lock memory.
 */
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/uio.h>

#include "harness.h"
#include "ledger.h"

/* Processes of one user. */
FIXTURE(user) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(user)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
}

FIXTURE_TEARDOWN_PARENT(user)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

#define MAP(pages)	map_rw(self->fd, (pages) * self->page)
#define LOCKED		pages_locked(self->fd)

TEST_F(user, two_processes_share_the_limit)
{
	char ready;
	int pipes[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		ready = MAP(LIMIT - 3) != MAP_FAILED;
		if (write(pipes[1], &ready, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(pipes[0], &ready, 1));
	ASSERT_EQ(1, ready);
	EXPECT_EQ(MAP_FAILED, MAP(4));
	EXPECT_NE(MAP_FAILED, MAP(3));
	EXPECT_EQ(LIMIT, LOCKED);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
	EXPECT_EQ(3, LOCKED);
}

/* Twice as many as can have a page: half get one and keep it. */
TEST_F(user, racing_callers_get_all_of_the_limit)
{
	pid_t pid[2 * LIMIT];
	int i, go[2], refused = 0;

	ASSERT_EQ(0, pipe(go));
	for (i = 0; i < 2 * LIMIT; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			char c;

			close(go[1]);
			if (read(go[0], &c, 1) == 0 && MAP(1) != MAP_FAILED)
				pause();
			_exit(errno == EAGAIN ? 0 : 1);
		}
	}
	close(go[1]);
	for (i = 0; i < LIMIT; i++)
		refused += wait_for(-1) == 0;
	EXPECT_EQ(LIMIT, refused);
	wait_until_locked(self->fd, LIMIT);
	for (i = 0; i < 2 * LIMIT; i++)
		kill(pid[i], SIGKILL);
	for (i = 0; i < LIMIT; i++)
		EXPECT_EQ(128 + SIGKILL, wait_for(-1));
	EXPECT_EQ(0, LOCKED);
}

/* Root of a user namespace is an ordinary user, and the same one. */
TEST_F(user, a_user_namespace_buys_nothing)
{
	ASSERT_NE(MAP_FAILED, MAP(LIMIT - 2));
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	EXPECT_EQ(LIMIT - 2, LOCKED);
	EXPECT_EQ(MAP_FAILED, MAP(3));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_NE(MAP_FAILED, MAP(2));
	EXPECT_EQ(LIMIT, LOCKED);
}

static int io_uring_lock(int ring, void *buffer, size_t len)
{
	struct iovec iov = { buffer, len };

	return syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		       &iov, 1);
}

TEST_F(user, io_uring_and_the_device_share_one_limit)
{
	struct io_uring_params params = {};
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	char *buffer = mmap(NULL, LIMIT * self->page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *map;

	ASSERT_GE(ring, 0);
	ASSERT_EQ(0, io_uring_lock(ring, buffer, 5 * self->page));
	EXPECT_EQ(5, LOCKED);
	EXPECT_EQ(MAP_FAILED, MAP(LIMIT - 4));
	map = MAP(LIMIT - 5);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, syscall(SYS_io_uring_register, ring,
			     IORING_UNREGISTER_BUFFERS, NULL, 0));
	/* io_uring returns its charge in its own time. */
	wait_until_locked(self->fd, LIMIT - 5);
	EXPECT_EQ(-1, io_uring_lock(ring, buffer, 6 * self->page));
	EXPECT_EQ(ENOMEM, errno);
}

TEST_F(user, memfd_secret_and_the_device_share_one_limit)
{
	size_t len = 5 * self->page;
	int fd = syscall(SYS_memfd_secret, 0);
	char *secret;

	if (fd < 0)
		SKIP(return, "no memfd_secret(2): boot with secretmem.enable=1");
	ASSERT_EQ(0, ftruncate(fd, len));
	secret = map_rw(fd, len);
	ASSERT_NE(MAP_FAILED, secret);
	memset(secret, 's', len);
	EXPECT_EQ(5, LOCKED);
	EXPECT_EQ(MAP_FAILED, MAP(LIMIT - 4));
	EXPECT_NE(MAP_FAILED, MAP(LIMIT - 5));
}

/* Privileges of root, and a change to another user. */
FIXTURE(root) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(root)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(root)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

TEST_F(root, cap_ipc_lock_lifts_the_limit_not_the_price)
{
	long before = LOCKED;
	char *map;

	ASSERT_EQ(0, set_memlock(LIMIT * self->page));
	map = MAP(LIMIT + 1);
	EXPECT_NE(MAP_FAILED, map);
	EXPECT_EQ(before + LIMIT + 1, LOCKED);
	EXPECT_EQ(0, munmap(map, (LIMIT + 1) * self->page));
	EXPECT_EQ(before, LOCKED);
}

/* A charge made with a capability is returned without it. */
TEST_F(root, losing_cap_ipc_lock_does_not_unbalance)
{
	long before = LOCKED;
	char *map;

	ASSERT_EQ(0, set_memlock(LIMIT * self->page));
	map = MAP(LIMIT + 1);
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	EXPECT_EQ(MAP_FAILED, MAP(1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, munmap(map, (LIMIT + 1) * self->page));
	EXPECT_EQ(before, LOCKED);
	EXPECT_NE(MAP_FAILED, MAP(LIMIT - before));
}

/* Only the real user changes, so that the process can come back. */
static int be(uid_t uid)
{
	return setresuid(uid, 0, 0);
}

TEST_F(root, setuid_after_mapping_leaves_the_charge_where_it_is)
{
	char *map;

	ASSERT_EQ(0, be(USER_A));
	map = MAP(3);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, be(USER_B));
	EXPECT_EQ(0, LOCKED);
	ASSERT_NE(MAP_FAILED, MAP(1));
	EXPECT_EQ(1, LOCKED);
	ASSERT_EQ(0, be(USER_A));
	EXPECT_EQ(3, LOCKED);
}

/* A file that the payer opened keeps its ledger, else nobody would. */
TEST_F(root, uncharging_by_another_user_credits_the_payer)
{
	char *map;

	ASSERT_EQ(0, be(USER_A));
	ASSERT_GE(open("/dev/null", O_RDONLY), 0);
	map = MAP(3);
	ASSERT_EQ(0, be(USER_B));
	ASSERT_EQ(0, munmap(map, 3 * self->page));
	EXPECT_EQ(0, LOCKED);
	ASSERT_EQ(0, be(USER_A));
	EXPECT_EQ(0, LOCKED);
}

/* A child that is an ordinary user and fills its limit; @fine: it could. */
static pid_t fork_user(int fd, uid_t uid, size_t page, char *fine)
{
	int pipes[2];
	pid_t pid;

	if (pipe(pipes))
		return -1;
	pid = fork();
	if (!pid) {
		*fine = !become_user(uid, LIMIT * page) &&
			map_rw(fd, LIMIT * page) != MAP_FAILED &&
			map_rw(fd, page) == MAP_FAILED && errno == EAGAIN;
		if (write(pipes[1], fine, 1) == 1)
			pause();
		_exit(0);
	}
	close(pipes[1]);
	if (read(pipes[0], fine, 1) != 1)
		*fine = 0;
	close(pipes[0]);
	return pid;
}

TEST_F(root, two_users_do_not_share_the_limit)
{
	char fine_a, fine_b;
	pid_t a = fork_user(self->fd, USER_A, self->page, &fine_a);
	pid_t b = fork_user(self->fd, USER_B, self->page, &fine_b);

	EXPECT_EQ(1, fine_a);
	EXPECT_EQ(1, fine_b);
	EXPECT_EQ(2 * LIMIT * (long)self->page, charged(self->fd));
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(a));
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(b));
	EXPECT_EQ(0, charged(self->fd));
}

TEST_F(root, the_one_who_maps_pays_not_the_one_who_opened)
{
	long before = LOCKED;
	char fine;
	pid_t pid = fork_user(self->fd, USER_A, self->page, &fine);

	EXPECT_EQ(1, fine);
	EXPECT_EQ(before, LOCKED);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
}

TEST_HARNESS_MAIN
