// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ordinary user who may open the nodes tries to hold more memory than his limit allows.
 */
#include <linux/io_uring.h>
#include <pthread.h>
#include <sys/uio.h>

#include "descriptor.h"
#include "harness.h"
#include "ledger.h"

#define WINDOW	16	/* pages */
#define PIPES	100

FIXTURE(user) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(user)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("instances=2 size=64K"));
	ASSERT_EQ(0, chmod("/dev/xxshm0", 0666));
	ASSERT_EQ(0, chmod("/dev/xxshm1", 0666));
	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, user_locked(self->fd));
}

FIXTURE_TEARDOWN_PARENT(user)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

#define MAP(pages)	map_rw(self->fd, (pages) * self->page)
#define LOCKED		pages_locked(self->fd)

static void *map_a_page(void *fd)
{
	return map_rw(*(int *)fd, page_size());
}

TEST_F(user, threads_share_one_limit)
{
	pthread_t thread[4 * LIMIT];
	int i, mapped = 0;
	void *map;

	for (i = 0; i < 4 * LIMIT; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, map_a_page, &self->fd));
	for (i = 0; i < 4 * LIMIT; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &map));
		mapped += map != MAP_FAILED;
	}
	EXPECT_EQ(LIMIT, mapped);
	EXPECT_EQ(LIMIT, LOCKED);
}

/* As many as a process may have: descriptors cost nothing by themselves. */
TEST_F(user, descriptors_share_one_limit)
{
	int fd, opened = 0, mapped = 0;

	while ((fd = open(DEVICE, O_RDWR)) >= 0) {
		opened++;
		mapped += map_rw(fd, self->page) != MAP_FAILED;
	}
	EXPECT_EQ(EMFILE, errno);
	EXPECT_GT(opened, 10 * LIMIT);
	EXPECT_EQ(LIMIT, mapped);
	EXPECT_EQ(LIMIT, LOCKED);
}

TEST_F(user, devices_share_one_limit)
{
	int other = open("/dev/xxshm1", O_RDWR);

	ASSERT_NE(MAP_FAILED, MAP(LIMIT - 1));
	EXPECT_NE(MAP_FAILED, map_rw(other, self->page));
	EXPECT_EQ(MAP_FAILED, map_rw(other, self->page));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(LIMIT, LOCKED);
}

TEST_F(user, descriptor_in_a_message_shares_one_limit)
{
	int pair[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_NE(MAP_FAILED, MAP(LIMIT - 1));
	ASSERT_EQ(0, send_descriptor(pair[0], self->fd));
	pid = fork();
	if (!pid) {
		int fd = receive_descriptor(pair[1]);

		_exit(map_rw(fd, 2 * self->page) != MAP_FAILED || errno != EAGAIN ||
		      map_rw(fd, self->page) == MAP_FAILED ||
		      pages_locked(fd) != LIMIT);
	}
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(LIMIT - 1, LOCKED);
}

/* The map of a namespace accepts only the user who makes it. */
TEST_F(user, ledger_of_another_user_is_out_of_reach)
{
	EXPECT_EQ(-1, setresuid(USER_B, USER_B, USER_B));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, become_namespace_root(USER_B, 0));
	EXPECT_EQ(EPERM, errno);
}

/* When one window has used up the limit, the other window is refused, too. */
TEST_F(user, windows_share_one_limit)
{
	char *map = MAP(LIMIT);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(255, run_peer(OTHER_PEER, "read", 0, NULL));
	ASSERT_EQ(0, munmap(map, LIMIT * self->page));
	EXPECT_EQ(0, run_peer(OTHER_PEER, "read", 0, NULL));
}

TEST_F(user, limit_is_not_raised_without_a_capability)
{
	struct rlimit more = { (LIMIT + 1) * self->page, (LIMIT + 1) * self->page };

	EXPECT_EQ(-1, setrlimit(RLIMIT_MEMLOCK, &more));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	EXPECT_EQ(-1, setrlimit(RLIMIT_MEMLOCK, &more));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, MAP(LIMIT + 1));
	EXPECT_EQ(EAGAIN, errno);
}

/* Root of new namespaces has all capabilities there, and the old ledger. */
TEST_F(user, root_of_new_namespaces_draws_on_the_same_ledger)
{
	ASSERT_NE(MAP_FAILED, MAP(LIMIT - 2));
	ASSERT_EQ(0, become_namespace_root(USER_A, CLONE_NEWPID | CLONE_NEWNS));
	EXPECT_EQ(LIMIT - 2, LOCKED);
	EXPECT_EQ(MAP_FAILED, MAP(3));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(user, no_flag_of_mmap_makes_it_cheaper)
{
	const int flags[] = {
		MAP_SHARED_VALIDATE, MAP_SHARED | MAP_NORESERVE,
		MAP_SHARED | MAP_POPULATE, MAP_SHARED | MAP_STACK,
		MAP_SHARED | MAP_DENYWRITE, MAP_SHARED | MAP_EXECUTABLE,
		MAP_SHARED | MAP_POPULATE | MAP_NONBLOCK,
	};
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		char *map = mmap(NULL, self->page, PROT_NONE, flags[i], self->fd, 0);

		ASSERT_NE(MAP_FAILED, map) TH_LOG("flags %#x", flags[i]);
		EXPECT_EQ(1, LOCKED);
		ASSERT_EQ(0, munmap(map, self->page));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, (LIMIT + 1) * self->page,
					   PROT_NONE, flags[i], self->fd, 0));
		EXPECT_EQ(EAGAIN, errno);
	}
}

TEST_F(user, mapping_that_grows_down_is_einval)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ,
				   MAP_SHARED | MAP_GROWSDOWN, self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, LOCKED);
}

/* Its registered buffers are locked memory of their own; 6.1 takes no files. */
TEST_F(user, io_uring_pays_for_the_pages_that_it_pins)
{
	struct io_uring_params params = {};
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	char *map = MAP(3);
	struct iovec iov = { map, 3 * self->page };
	int pinned;

	ASSERT_GE(ring, 0);
	ASSERT_NE(MAP_FAILED, map);
	pinned = !syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
			  &iov, 1);
	EXPECT_TRUE(pinned || errno == EOPNOTSUPP);
	EXPECT_EQ(pinned ? 6 : 3, LOCKED);
	ASSERT_EQ(0, munmap(map, 3 * self->page));
	EXPECT_EQ(pinned ? 3 : 0, LOCKED);
	close(ring);
	wait_until_locked(self->fd, 0);
}

/* Are the first @len bytes of a pipe nothing but @byte? */
static int pipe_begins_with(int fd, int byte, size_t len)
{
	char *data = malloc(len);
	int ret = read(fd, data, len) == (ssize_t)len && *data == byte &&
		  !memcmp(data, data + 1, len - 1);

	free(data);
	return ret;
}

/* Nobody pays for pages in a pipe, as everywhere in Linux. */
TEST_F(user, pages_held_by_pipes_are_those_of_the_window)
{
	size_t len = LIMIT * self->page;
	long before = cached_pages();
	int i, pipes[PIPES][2], same = 0;
	char *map;

	for (i = 0; i < PIPES; i++) {
		struct iovec iov = { MAP(LIMIT), len };

		ASSERT_NE(MAP_FAILED, iov.iov_base);
		ASSERT_EQ(0, pipe(pipes[i]));
		ASSERT_EQ((ssize_t)len, vmsplice(pipes[i][1], &iov, 1, 0));
		ASSERT_EQ(0, munmap(iov.iov_base, len));
	}
	EXPECT_EQ(0, LOCKED);
	/* One window each would be much more; other processes change the number slightly. */
	EXPECT_LT(cached_pages() - before, PIPES * WINDOW / 2);
	/* That does not count pages that only a pipe holds: check their bytes. */
	map = MAP(LIMIT);
	ASSERT_NE(MAP_FAILED, map);
	memset(map, 'n', len);
	for (i = 0; i < PIPES; i++)
		same += pipe_begins_with(pipes[i][0], 'n', len);
	EXPECT_EQ(PIPES, same);
}

#define DEVICES	8

/* A user with all devices, and a limit above all their memory. */
FIXTURE(hoarder) {
	int fd[DEVICES];
	size_t size;	/* of a window */
};

FIXTURE_SETUP(hoarder)
{
	char path[32];
	int i;

	self->size = 1 << 20;
	ASSERT_EQ(0, module_load("instances=8 size=1M"));
	ASSERT_EQ(0, system("chmod 0666 /dev/xxshm*"));
	ASSERT_EQ(0, become_user(USER_A, 4 * DEVICES * self->size));
	for (i = 0; i < DEVICES; i++) {
		snprintf(path, sizeof(path), "/dev/xxshm%d", i);
		self->fd[i] = open(path, O_RDWR);
		ASSERT_GE(self->fd[i], 0);
	}
}

FIXTURE_TEARDOWN_PARENT(hoarder)
{
	EXPECT_EQ(0, module_unload());
}

static size_t allocated_by_all(void)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < DEVICES; i++)
		sum += attribute_of(i, "allocated");
	return sum;
}

/* Map the other window, of any device. */
static int map_by_peer(int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	return run_peer(OTHER_PEER, "inherit", 0, number);
}

TEST_F(hoarder, gets_two_windows_of_each_device_and_no_more)
{
	long before = cached_pages();
	long pages = 2 * DEVICES * self->size / page_size();
	int i;

	for (i = 0; i < 3 * DEVICES; i++)
		ASSERT_NE(MAP_FAILED, map_rw(self->fd[i % DEVICES], self->size));
	EXPECT_EQ(DEVICES * self->size, allocated_by_all());
	for (i = 0; i < 3 * DEVICES; i++)
		ASSERT_EQ(0, map_by_peer(self->fd[i % DEVICES]));
	EXPECT_EQ(2 * DEVICES * self->size, allocated_by_all());
	/* Other processes change the number slightly. */
	EXPECT_LT(cached_pages() - before, pages + pages / 2);
}

TEST_HARNESS_MAIN
