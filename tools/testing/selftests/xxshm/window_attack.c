// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ordinary user who may open the node tries to reach the other window through his own,
 * or other users' memory through their processes.
 */
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include "descriptor.h"
#include "harness.h"
#include "ledger.h"

#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	0x8000
#endif

#define PAGES	2	/* in a window */
#define MEMLOCK	(64 * page_size())
#define OWN	'o'	/* begins each page of the attacker's window */
#define SECRET	's'	/* begins each page of the other window */

#define EXPECT_ERRNO(expected, call) do {	\
	EXPECT_EQ(-1, (call));			\
	EXPECT_EQ(expected, errno);		\
} while (0)

#define EXPECT_REFUSED(expected, map) do {	\
	EXPECT_EQ(MAP_FAILED, (map));		\
	EXPECT_EQ(expected, errno);		\
} while (0)

/* Dumpable, as after exec: other processes of this user may look into it. */
static int become_plain_user(uid_t uid, size_t memlock)
{
	return become_user(uid, memlock) ||
	       prctl(PR_SET_DUMPABLE, 1);
}

FIXTURE(attacker) {
	int fd;
	size_t page;
	size_t size;
	char *map;	/* the window; behind it nothing is mapped */
};

/* Map a window with as much free room behind it. */
static char *map_before_a_hole(int fd, size_t size)
{
	char *room = mmap(NULL, 2 * size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(room + size, size);
	return mmap(room, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		    fd, 0);
}

FIXTURE_SETUP(attacker)
{
	size_t i;

	self->page = page_size();
	self->size = PAGES * self->page;
	ASSERT_EQ(0, module_load("size=8K"));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, run_peer(OTHER_PEER, "write", i * self->page, "115"));
	ASSERT_EQ(0, chmod(DEVICE, 0666));
	ASSERT_EQ(0, become_plain_user(USER_A, MEMLOCK));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	self->map = map_before_a_hole(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, self->map);
	for (i = 0; i < PAGES; i++)
		self->map[i * self->page] = OWN;
}

FIXTURE_TEARDOWN_PARENT(attacker)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(attacker, mremap_does_not_reach_the_other_window)
{
	size_t page = self->page, size = self->size, i;
	const struct {
		size_t from, old, new;
		int flags;
		int error;
	} attempts[] = {
		{ 0, size, size + page, 0, EFAULT },
		{ 0, size, size + page, MREMAP_MAYMOVE, EFAULT },
		{ page, page, 2 * page, 0, EFAULT },
		{ page, page, size + page, MREMAP_MAYMOVE, EFAULT },
		{ 0, 0, 2 * size, MREMAP_MAYMOVE, EFAULT },
		{ page, 0, size, MREMAP_MAYMOVE, EFAULT },
		/* The kernel refuses this flag for what may not grow. */
		{ 0, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, EINVAL },
	};

	for (i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
		EXPECT_EQ(MAP_FAILED,
			  mremap(self->map + attempts[i].from, attempts[i].old,
				 attempts[i].new, attempts[i].flags))
			TH_LOG("attempt %zu", i);
		EXPECT_EQ(attempts[i].error, errno) TH_LOG("attempt %zu", i);
	}
}

TEST_F(attacker, rest_of_a_mapping_does_not_grow)
{
	ASSERT_EQ(0, munmap(self->map, self->page));
	EXPECT_REFUSED(EFAULT, mremap(self->map + self->page, self->page,
				      self->size, MREMAP_MAYMOVE));
	EXPECT_REFUSED(EFAULT, mremap(self->map + self->page, self->page,
				      self->size, 0));
}

/*
 * Two mappings that follow each other. 6.12 would make them one, if it were allowed to.
 * From 6.17 on, mremap(2) may move several, each for itself, but not those of a file that
 * chooses its addresses: pageable memory is a file of tmpfs there.
 */
TEST_F(attacker, two_mappings_are_not_moved_as_one)
{
	char *to = mmap(NULL, 2 * self->size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *second = self->map + self->page, *moved;

	ASSERT_EQ(0, munmap(self->map, self->size));
	ASSERT_EQ(self->map, mmap(self->map, self->page, PROT_READ,
				  MAP_SHARED | MAP_FIXED, self->fd, 0));
	ASSERT_EQ(second, mmap(second, self->page, PROT_READ,
			       MAP_SHARED | MAP_FIXED, self->fd, self->page));
	moved = mremap(self->map, self->size, self->size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       to);
	if (moved == MAP_FAILED) {
		EXPECT_EQ(EFAULT, errno);
		moved = self->map;
	} else {
		EXPECT_TRUE(is_pageable());
		EXPECT_EQ(to, moved);
	}
	EXPECT_REFUSED(EFAULT, mremap(moved, self->size, 2 * self->size, MREMAP_MAYMOVE));
	EXPECT_NE(NULL, smaps_line(moved, ""));
	EXPECT_NE(NULL, smaps_line(moved + self->page, ""));
	EXPECT_EQ(OWN, moved[0]);
	EXPECT_EQ(OWN, moved[self->page]);
	EXPECT_EQ(if_locked(PAGES), pages_locked(self->fd));
}

#ifdef __x86_64__
/* mmap(2) as 64-bit code calls it from an x32 process, and the reverse. */
static char *map_as_the_other(int fd, size_t len, off_t offset)
{
	return (char *)syscall(SYS_mmap ^ __X32_SYSCALL_BIT, NULL, len, PROT_READ,
			       MAP_SHARED | MAP_32BIT, fd, offset);
}

/* A program that makes the other calls gets the other window: no border. */
TEST_F(attacker, x32_bit_of_a_call_gives_the_other_window_and_no_more)
{
	char *map = map_as_the_other(self->fd, self->size, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(SECRET, map[0]);
	EXPECT_EQ(SECRET, map[self->page]);
	EXPECT_REFUSED(ENXIO, map_as_the_other(self->fd, 2 * self->size, 0));
	EXPECT_REFUSED(ENXIO, map_as_the_other(self->fd, self->page, self->size));
	EXPECT_REFUSED(ENXIO, map_as_the_other(self->fd, self->page,
					       -(off_t)self->size));
}
#endif

static int run_peer_on(const char *path, const char *verb, int fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	return run_peer(path, verb, 0, number);
}

TEST_F(attacker, descriptor_over_exec_shows_each_its_own_window)
{
	EXPECT_EQ(SECRET, run_peer_on(OTHER_PEER, "inherit", self->fd));
	EXPECT_EQ(OWN, run_peer_on("./peer", "inherit", self->fd));
}

TEST_F(attacker, descriptor_taken_by_pidfd_shows_each_its_own_window)
{
	EXPECT_EQ(SECRET, run_peer_on(OTHER_PEER, "take", self->fd));
	EXPECT_EQ(OWN, run_peer_on("./peer", "take", self->fd));
}

TEST_F(attacker, descriptor_in_a_message_shows_each_its_own_window)
{
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, send_descriptor(pair[0], self->fd));
	EXPECT_EQ(SECRET, run_peer_on(OTHER_PEER, "receive", pair[1]));
	ASSERT_EQ(0, send_descriptor(pair[0], self->fd));
	EXPECT_EQ(OWN, run_peer_on("./peer", "receive", pair[1]));
}

static ssize_t read_mem(int mem, char *data, const char *from, size_t len)
{
	return pread64(mem, data, len, (unsigned long)from);
}

TEST_F(attacker, reading_memory_ends_where_the_mapping_ends)
{
	char *data = malloc(2 * self->size);
	struct iovec here = { data, 2 * self->size };
	struct iovec there = { self->map, 2 * self->size };
	int mem = open("/proc/self/mem", O_RDWR);

	EXPECT_EQ((ssize_t)self->size,
		  process_vm_readv(getpid(), &here, 1, &there, 1, 0));
	EXPECT_EQ((ssize_t)self->size,
		  read_mem(mem, data, self->map, 2 * self->size));
	EXPECT_ERRNO(EIO, read_mem(mem, data, self->map + self->size, 1));
}

/* A debugger may write to read-only mappings of its own, not to shared ones. */
TEST_F(attacker, debuggers_write_does_not_reach_a_read_only_mapping)
{
	char *map = map_device(open(DEVICE, O_RDONLY), self->page, PROT_READ, 0);
	struct iovec here = { "w", 1 }, there = { map, 1 };
	int mem = open("/proc/self/mem", O_RDWR);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(1, pwrite64(mem, "w", 1, (unsigned long)self->map + 1));
	EXPECT_ERRNO(EIO, pwrite64(mem, "w", 1, (unsigned long)map));
	EXPECT_ERRNO(EFAULT, process_vm_writev(getpid(), &here, 1, &there, 1, 0));
	EXPECT_EQ(OWN, map[0]);
}

/* @features of userfaultfd(2); returns the descriptor or -1. */
static int open_userfaultfd(__u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(SYS_userfaultfd, O_NONBLOCK | UFFD_USER_MODE_ONLY);

	return ioctl(fd, UFFDIO_API, &api) ? -1 : fd;
}

static int register_userfaultfd(int fd, const void *map, size_t len, int mode)
{
	struct uffdio_register range = {
		.range = { (unsigned long)map, len }, .mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &range) ? errno : 0;
}

/* 6.1 accepts mappings of tmpfs, so pageable memory before a page is touched. */
static int userfaultfd_error(void)
{
	struct utsname kernel;

	return is_pageable() && !uname(&kernel) &&
	       !strncmp(kernel.release, "6.1.", 4) ? 0 : EINVAL;
}

/* Otherwise its owner could replace a page of the window. */
TEST_F(attacker, userfaultfd_does_not_take_a_mapping)
{
	void *other = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_userfaultfd(0), error = userfaultfd_error(), async;
	char *to_read = map_device(open(DEVICE, O_RDONLY), self->size, PROT_READ, 0);

	ASSERT_GE(fd, 0);
	ASSERT_NE(MAP_FAILED, to_read);
	ASSERT_EQ(0, register_userfaultfd(fd, other, self->page,
					  UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_EQ(error, register_userfaultfd(fd, self->map, self->size,
					      UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_EQ(error, register_userfaultfd(fd, self->map, self->size,
					      UFFDIO_REGISTER_MODE_WP));
	EXPECT_EQ(error, register_userfaultfd(fd, self->map, self->size,
					      UFFDIO_REGISTER_MODE_MINOR));
	/* A read-only mapping must not be filled either. */
	EXPECT_EQ(error ?: EPERM, register_userfaultfd(fd, to_read, self->size,
						       UFFDIO_REGISTER_MODE_MISSING));
	/* 6.12 would take any mapping that may grow or merge. */
	async = open_userfaultfd(UFFD_FEATURE_WP_ASYNC);
	if (async >= 0)
		EXPECT_EQ(EINVAL, register_userfaultfd(async, self->map, self->size,
						       UFFDIO_REGISTER_MODE_WP));
}

TEST_F(attacker, userfaultfd_replaces_no_page)
{
	char *other = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_copy copy = {
		.dst = (unsigned long)self->map, .src = (unsigned long)other,
		.len = self->page,
	};
	int fd = open_userfaultfd(0), error = userfaultfd_error();

	ASSERT_GE(fd, 0);
	EXPECT_EQ(error, register_userfaultfd(fd, self->map, self->size,
					      UFFDIO_REGISTER_MODE_MISSING));
	other[0] = 'r';
	EXPECT_ERRNO(error ? ENOENT : EEXIST, ioctl(fd, UFFDIO_COPY, &copy));
	EXPECT_EQ(OWN, self->map[0]);
}

TEST_F(attacker, calls_that_copy_files_do_not_reach_a_window)
{
	loff_t behind = self->size;
	int pipes[2], other;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(1, write(pipes[1], "w", 1));
	other = open("/proc/self/exe", O_RDONLY);
	ASSERT_GE(other, 0);
	EXPECT_ERRNO(EINVAL, splice(self->fd, NULL, pipes[1], NULL, 1, 0));
	EXPECT_ERRNO(EINVAL, splice(self->fd, &behind, pipes[1], NULL, 1, 0));
	EXPECT_ERRNO(EINVAL, splice(pipes[0], NULL, self->fd, NULL, 1, 0));
	EXPECT_ERRNO(EINVAL, sendfile(pipes[1], self->fd, NULL, 1));
	EXPECT_ERRNO(EINVAL, sendfile(self->fd, other, NULL, 1));
	EXPECT_ERRNO(EINVAL, copy_file_range(self->fd, NULL, self->fd, &behind, 1, 0));
	EXPECT_ERRNO(EINVAL, pread(self->fd, &behind, 1, self->size));
	EXPECT_EQ(OWN, self->map[0]);
}

static int open_ring(struct io_uring_params *params)
{
	memset(params, 0, sizeof(*params));
	return syscall(SYS_io_uring_setup, 1, params);
}

/* Read or write a byte by io_uring; returns its result, 0 if it gave none. */
static int transfer_by_ring(int op, int fd, char *byte, __u64 offset)
{
	struct io_uring_params params;
	int ring = open_ring(&params);
	char *queues = map_rw(ring, page_size());
	char *entry = map_device(ring, page_size(), PROT_READ | PROT_WRITE,
				 IORING_OFF_SQES);
	struct io_uring_cqe *done;

	if (queues == MAP_FAILED || entry == MAP_FAILED)
		return 0;
	*(struct io_uring_sqe *)entry = (struct io_uring_sqe){
		.opcode = op, .fd = fd, .off = offset,
		.addr = (unsigned long)byte, .len = 1,
	};
	*(__u32 *)(queues + params.sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return 0;
	close(ring);
	done = (struct io_uring_cqe *)(queues + params.cq_off.cqes);
	return done->res;
}

TEST_F(attacker, io_uring_does_not_read_or_write_a_window)
{
	int other = open("/proc/self/exe", O_RDONLY);
	char byte = 'w';

	EXPECT_EQ(-EINVAL, transfer_by_ring(IORING_OP_READ, self->fd, &byte, 0));
	EXPECT_EQ(-EINVAL, transfer_by_ring(IORING_OP_READ, self->fd, &byte,
					    self->size));
	EXPECT_EQ(-EINVAL, transfer_by_ring(IORING_OP_WRITE, self->fd, &byte, 0));
	EXPECT_EQ(-EINVAL, transfer_by_ring(IORING_OP_WRITE, self->fd, &byte,
					    self->size));
	EXPECT_EQ('w', byte);
	EXPECT_EQ(OWN, self->map[0]);
	/* It reads the readable part. */
	EXPECT_EQ(1, transfer_by_ring(IORING_OP_READ, other, &byte, 1));
	EXPECT_EQ('E', byte);
}

/* Neither the bytes behind it, nor the part in the window. */
TEST_F(attacker, io_uring_takes_no_buffer_past_the_end_of_a_mapping)
{
	struct iovec past = { self->map + self->page, self->size };
	struct io_uring_params params;
	int ring = open_ring(&params);

	ASSERT_GE(ring, 0);
	EXPECT_ERRNO(EFAULT, syscall(SYS_io_uring_register, ring,
				     IORING_REGISTER_BUFFERS, &past, 1));
	EXPECT_EQ(if_locked(PAGES), pages_locked(self->fd));
}

TEST_F(attacker, fadvise_drops_no_page)
{
	char *again;

	ASSERT_EQ(0, munmap(self->map, self->size));
	EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	again = map_rw(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, again);
	EXPECT_EQ(0, signal_of_touching(again + self->size - 1));
	EXPECT_EQ(OWN, again[self->page]);
	EXPECT_EQ(SECRET, run_peer(OTHER_PEER, "read", self->page, NULL));
}

TEST_F(attacker, map_files_are_closed_to_users)
{
	EXPECT_EQ(-1, open_map_file(self->map, self->size));
	EXPECT_EQ(EPERM, errno);
}

/*
 * Two windows, where a large page of one could reach into the other. Each has a byte in its
 * first and its last page, and at the end of the large pages.
 */
#define WIDE	(5UL << 20)

static const size_t marks[] = { 0, HUGE_SIZE, 2 * HUGE_SIZE - 1, WIDE - 1 };

FIXTURE(wide) {
	int fd;
};

FIXTURE_SETUP(wide)
{
	size_t i;

	ASSERT_EQ(0, module_load("size=5M"));
	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		ASSERT_EQ(0, run_peer(OTHER_PEER, "write", marks[i], "115"));
	ASSERT_EQ(0, chmod(DEVICE, 0666));
	ASSERT_EQ(0, become_plain_user(USER_A, 2 * WIDE));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(wide)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(wide, faults_show_no_byte_of_the_other_window)
{
	char *map = map_before_a_hole(self->fd, WIDE);
	size_t i;

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, WIDE));
	ASSERT_EQ(0, madvise(map, WIDE, MADV_DONTNEED));
	memset(map, OWN, WIDE);
	EXPECT_EQ((long)WIDE / 1024, smaps_kb(map, "Rss:"));
	EXPECT_EQ(SIGSEGV, signal_of_touching(map + WIDE));
	for (i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		EXPECT_EQ(SECRET, run_peer(OTHER_PEER, "read", marks[i], NULL));
}

/* Here the page table and the large page around reach into the other window. */
TEST_F(wide, faults_at_an_end_show_no_byte_of_the_other_window)
{
	/* More than mmap(2) maps by itself, and no whole block. */
	const size_t size = 20 * page_size();
	char *first, *last;

	last = map_device(self->fd, size, PROT_READ | PROT_WRITE, WIDE - size);
	first = map_before_a_hole(self->fd, size);
	ASSERT_NE(MAP_FAILED, first);
	ASSERT_NE(MAP_FAILED, last);
	EXPECT_TRUE(is_zero(first, size));
	last[size - 1] = OWN;
	EXPECT_TRUE(is_zero(last, size - 1));
	EXPECT_EQ((long)size / 1024, smaps_kb(first, "Rss:"));
	EXPECT_EQ((long)size / 1024, smaps_kb(last, "Rss:"));
	EXPECT_EQ(SIGSEGV, signal_of_touching(first + size));
	EXPECT_REFUSED(EFAULT, mremap(first, size, WIDE, MREMAP_MAYMOVE));
	EXPECT_REFUSED(EFAULT, mremap(last, size, 2 * size, MREMAP_MAYMOVE));
	EXPECT_EQ(SECRET, run_peer(OTHER_PEER, "read", WIDE - 1, NULL));
}

/* A process that has mapped the device, and one that attacks it. */
FIXTURE(victim) {
	int fd;
	int leash;	/* it lives until this is closed */
	pid_t pid;
	char *map;	/* the same address in both, mapped in the victim only */
};

FIXTURE_VARIANT(victim) {
	uid_t uid;
};

FIXTURE_VARIANT_ADD(victim, of_the_same_user) { .uid = USER_A };
FIXTURE_VARIANT_ADD(victim, of_another_user) { .uid = USER_B };

static pid_t fork_victim(int fd, char *map, uid_t uid, int leash[2])
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(leash) || pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		close(leash[1]);
		if (become_plain_user(uid, MEMLOCK) ||
		    mmap(map, page_size(), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) != map)
			_exit(1);
		*map = SECRET;
		_exit(write(ready[1], "", 1) != 1 || read(leash[0], &c, 1));
	}
	close(ready[1]);
	return read(ready[0], &c, 1) == 1 ? pid : -1;
}

FIXTURE_SETUP(victim)
{
	int leash[2];

	ASSERT_EQ(0, module_load(""));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	self->map = mmap(NULL, page_size(), PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	self->pid = fork_victim(self->fd, self->map, variant->uid, leash);
	ASSERT_GT(self->pid, 0);
	self->leash = leash[1];
	ASSERT_EQ(0, become_plain_user(USER_A, MEMLOCK));
}

FIXTURE_TEARDOWN_PARENT(victim)
{
	EXPECT_EQ(0, module_unload());
}

#define EXPECT_OWN_USER_ONLY(code, call) \
	EXPECT_EQ(variant->uid == USER_A ? 0 : (code), (call) < 0 ? errno : 0)

/* 0, or -1 with an errno that is no refusal. */
static int check_secret(char byte)
{
	errno = EILSEQ;
	return byte == SECRET ? 0 : -1;
}

static int read_remotely(pid_t pid, char *map)
{
	char byte = 0;
	struct iovec here = { &byte, 1 }, there = { map, 1 };

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != 1)
		return -1;
	return check_secret(byte);
}

static int trace(pid_t pid, char *map)
{
	long word;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
		return -1;
	waitpid(pid, NULL, __WALL);
	word = ptrace(PTRACE_PEEKDATA, pid, map, NULL);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return check_secret(word);
}

static int open_of(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return open(path, O_RDONLY);
}

TEST_F(victim, memory_is_read_by_its_own_user_only)
{
	EXPECT_OWN_USER_ONLY(EPERM, read_remotely(self->pid, self->map));
	EXPECT_OWN_USER_ONLY(EPERM, trace(self->pid, self->map));
	EXPECT_OWN_USER_ONLY(EACCES, open_of(self->pid, "mem"));
	EXPECT_OWN_USER_ONLY(EACCES, open_of(self->pid, "maps"));
	close(self->leash);
	EXPECT_EQ(0, wait_for(self->pid));
}

TEST_F(victim, descriptors_are_seen_by_its_own_user_only)
{
	char file[32];

	EXPECT_OWN_USER_ONLY(EPERM, syscall(SYS_pidfd_getfd,
					    syscall(SYS_pidfd_open, self->pid, 0),
					    self->fd, 0));
	snprintf(file, sizeof(file), "fdinfo/%d", self->fd);
	EXPECT_OWN_USER_ONLY(EACCES, open_of(self->pid, file));
	close(self->leash);
	EXPECT_EQ(0, wait_for(self->pid));
}

TEST_HARNESS_MAIN
