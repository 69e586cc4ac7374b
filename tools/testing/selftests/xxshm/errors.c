// SPDX-License-Identifier: GPL-2.0-only
/*
 * The errors that the kernel gives before, or instead of, asking the device: one
 * test for each call in the tables of Documentation/userspace-api/xxshm.rst.
 * mmap.c, ioctl.c and vma.c have the errors of the device itself, layers.c those
 * of security modules, control groups and mounts.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

#include "harness.h"
#include "ledger.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#ifndef SYS_mseal
#ifdef __ILP32__
#define SYS_mseal	(462 | (SYS_read & 0x40000000))
#else
#define SYS_mseal	462
#endif
#endif

#define PAGES		4
#define MAP_COUNT	"/proc/sys/vm/max_map_count"
#define RW		(PROT_READ | PROT_WRITE)
#define PROT_UNKNOWN	0x70		/* unknown bits */
#define MAP_UNKNOWN	0x200000	/* the same, for mmap(2) */

/* A call that returns -1, or MAP_FAILED, and sets errno. */
#define EXPECT_ERRNO(expected, call) do {				\
	errno = 0;							\
	EXPECT_EQ(-1, (long)(call)) TH_LOG("%s", #call);		\
	EXPECT_EQ(expected, errno) TH_LOG("%s", #call);			\
} while (0)

#define EXPECT_TAKEN(call) \
	EXPECT_NE(-1, (long)(call)) TH_LOG("%s: %s", #call, strerror(errno))

FIXTURE(device) {
	int fd;
	int read_only;
	int write_only;
	int path;	/* opened with O_PATH */
	size_t page;
	size_t size;
	char *map;	/* the whole window */
	char *hole;	/* an address where nothing is mapped */
};

FIXTURE_SETUP(device)
{
	self->page = page_size();
	self->size = PAGES * self->page;
	ASSERT_EQ(0, module_load("size=16K"));
	self->fd = open(DEVICE, O_RDWR);
	self->read_only = open(DEVICE, O_RDONLY);
	self->write_only = open(DEVICE, O_WRONLY);
	self->path = open(DEVICE, O_PATH);
	ASSERT_GE(self->path, 0);
	self->map = map_rw(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, self->map);
	self->hole = mmap(NULL, self->size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, munmap(self->hole, self->size));
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, module_unload());
}

/* open(2) */

static int open_node(int flags)
{
	return open(DEVICE, flags, 0600);
}

TEST_F(device, open_flags_that_the_vfs_refuses)
{
	ASSERT_EQ(0, symlink(DEVICE, "/tmp/xxshm-link"));
	EXPECT_ERRNO(ELOOP, open("/tmp/xxshm-link", O_RDWR | O_NOFOLLOW));
	unlink("/tmp/xxshm-link");
	EXPECT_ERRNO(EINVAL, open_node(O_RDWR | O_DIRECT));
	EXPECT_ERRNO(EEXIST, open_node(O_RDWR | O_CREAT | O_EXCL));
	EXPECT_ERRNO(ENOTDIR, open_node(O_DIRECTORY));
	EXPECT_ERRNO(ENOTDIR, open_node(O_RDWR | O_TMPFILE));
	EXPECT_ERRNO(ENOTDIR, open(DEVICE "/", O_RDWR));
	EXPECT_ERRNO(ENOENT, open("/dev/xxshm1", O_RDWR));
}

TEST_F(device, open_flags_that_change_nothing)
{
	const int flags[] = {
		O_APPEND, O_ASYNC, O_CREAT, O_DSYNC, O_EXCL, O_LARGEFILE, O_NOATIME,
		O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_SYNC, O_TRUNC,
	};
	size_t i;

	self->map[0] = 'd';
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		int fd = open_node(O_RDWR | flags[i]);
		char *map = map_rw(fd, self->page);

		ASSERT_NE(MAP_FAILED, map) TH_LOG("flags %#o", flags[i]);
		EXPECT_EQ('d', map[0]) TH_LOG("flags %#o", flags[i]);
	}
}

TEST_F(device, open_that_stays_on_one_file_system_is_exdev)
{
	struct open_how how = { .flags = O_RDWR, .resolve = RESOLVE_NO_XDEV };

	EXPECT_ERRNO(EXDEV, syscall(SYS_openat2, AT_FDCWD, DEVICE, &how, sizeof(how)));
	how.resolve = 1ULL << 60;
	EXPECT_ERRNO(EINVAL, syscall(SYS_openat2, AT_FDCWD, DEVICE, &how, sizeof(how)));
}

TEST_F(device, open_without_permission_is_eacces)
{
	ASSERT_EQ(0, become_user(USER_A, 0));
	EXPECT_ERRNO(EACCES, open_node(O_RDONLY));
	EXPECT_ERRNO(EACCES, open_node(O_RDWR | O_CREAT));
}

TEST_F(device, no_atime_on_a_node_of_another_user_is_eperm)
{
	ASSERT_EQ(0, chmod(DEVICE, 0666));
	ASSERT_EQ(0, become_user(USER_A, 0));
	EXPECT_TAKEN(open_node(O_RDWR));
	EXPECT_ERRNO(EPERM, open_node(O_RDWR | O_NOATIME));
	EXPECT_ERRNO(EPERM, fcntl(self->fd, F_SETFL, O_NOATIME));
}

TEST_F(device, open_beyond_the_limit_of_descriptors_is_emfile)
{
	struct rlimit limit = { self->path + 1, self->path + 1 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_ERRNO(EMFILE, open_node(O_RDWR));
}

/* mmap(2) */

static char *map_at(void *addr, size_t len, int flags, int fd)
{
	return mmap(addr, len, RW, flags, fd, 0);
}

/* MAP_SHARED ignores the flags that MAP_SHARED_VALIDATE refuses. */
TEST_F(device, map_flags_that_would_be_ignored_are_eopnotsupp)
{
	const int flags[] = { MAP_SYNC, MAP_UNKNOWN, MAP_FIXED_NOREPLACE };
	size_t i;

	EXPECT_TAKEN(map_at(NULL, self->page, MAP_SHARED_VALIDATE, self->fd));
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		EXPECT_ERRNO(EOPNOTSUPP, map_at(self->hole, self->page,
						MAP_SHARED_VALIDATE | flags[i],
						self->fd));
		EXPECT_EQ(self->hole, map_at(self->hole, self->page,
					     MAP_SHARED | flags[i], self->fd));
		munmap(self->hole, self->page);
	}
}

TEST_F(device, map_without_a_known_type_is_einval)
{
	int type;

	for (type = 0; type <= MAP_TYPE; type++)
		if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
			EXPECT_ERRNO(EINVAL, map_at(NULL, self->page, type, self->fd));
}

TEST_F(device, map_flags_for_other_memory_are_einval)
{
	EXPECT_ERRNO(EINVAL, map_at(NULL, self->page, MAP_SHARED | MAP_HUGETLB,
				    self->fd));
	EXPECT_ERRNO(EINVAL, map_at(NULL, self->page, MAP_SHARED | MAP_GROWSDOWN,
				    self->fd));
}

TEST_F(device, map_flags_that_change_nothing)
{
	const int flags[] = {
		MAP_DENYWRITE, MAP_EXECUTABLE, MAP_NONBLOCK, MAP_NORESERVE,
		MAP_POPULATE, MAP_STACK, MAP_LOCKED,
	};
	size_t i;

	self->map[0] = 'd';
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		char *map = map_at(NULL, self->page, MAP_SHARED | flags[i], self->fd);

		ASSERT_NE(MAP_FAILED, map) TH_LOG("flags %#x", flags[i]);
		EXPECT_EQ('d', map[0]) TH_LOG("flags %#x", flags[i]);
	}
}

TEST_F(device, map_at_an_address_that_is_taken_is_eexist)
{
	int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;

	self->map[0] = 'd';
	EXPECT_ERRNO(EEXIST, map_at(self->map, self->page, flags, self->fd));
	EXPECT_EQ('d', self->map[0]);
	EXPECT_EQ(self->hole, map_at(self->hole, self->page, flags, self->fd));
}

TEST_F(device, map_at_an_impossible_address)
{
	char *top = (char *)-self->page;

	EXPECT_ERRNO(EINVAL, map_at(self->hole + 1, self->page,
				    MAP_SHARED | MAP_FIXED, self->fd));
	EXPECT_ERRNO(ENOMEM, map_at(top, self->page, MAP_SHARED | MAP_FIXED,
				    self->fd));
	EXPECT_TAKEN(map_at(top, self->page, MAP_SHARED, self->fd));
	ASSERT_EQ(0, become_user(USER_A, self->size));
	EXPECT_ERRNO(EPERM, map_at(NULL, self->page, MAP_SHARED | MAP_FIXED,
				   self->fd));
}

TEST_F(device, map_of_no_open_file_is_ebadf)
{
	EXPECT_ERRNO(EBADF, map_at(NULL, self->page, MAP_SHARED, -1));
	EXPECT_ERRNO(EBADF, map_at(NULL, self->page, MAP_SHARED, self->path));
}

TEST_F(device, map_without_room_is_enomem)
{
	struct rlimit limit = { self->page, self->page };

	EXPECT_ERRNO(ENOMEM, map_at(NULL, -1UL, MAP_SHARED, self->fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_ERRNO(ENOMEM, map_at(NULL, self->page, MAP_SHARED, self->fd));
}

/* Limits of locked memory that the kernel tests before it asks the device. */
TEST_F(device, map_that_is_to_be_locked)
{
	ASSERT_EQ(0, become_user(USER_A, self->page));
	EXPECT_ERRNO(EAGAIN, map_at(NULL, self->size, MAP_SHARED | MAP_LOCKED,
				    self->fd));
	ASSERT_EQ(0, mlockall(MCL_FUTURE));
	EXPECT_ERRNO(EAGAIN, map_at(NULL, self->size, MAP_SHARED, self->fd));
	ASSERT_EQ(0, munlockall());
	ASSERT_EQ(0, set_memlock(0));
	EXPECT_ERRNO(EPERM, map_at(NULL, self->page, MAP_SHARED | MAP_LOCKED,
				   self->fd));
}

/* The limit of mappings is one setting for the whole machine. */
FIXTURE(crowded) {
	char *map;
	size_t page;
	long limit;
	int fd;
};

FIXTURE_SETUP(crowded)
{
	char *map;

	self->page = page_size();
	ASSERT_EQ(0, module_load("size=16K"));
	self->fd = open(DEVICE, O_RDWR);
	self->map = map_rw(self->fd, PAGES * self->page);
	ASSERT_NE(MAP_FAILED, self->map);
	ASSERT_EQ(0, write_file(MAP_COUNT, "100"));
	do {
		map = map_rw(self->fd, self->page);
	} while (map != MAP_FAILED);
}

FIXTURE_TEARDOWN_PARENT(crowded)
{
	EXPECT_EQ(0, write_file(MAP_COUNT, "65530"));
	EXPECT_EQ(0, module_unload());
}

TEST_F(crowded, call_that_makes_one_mapping_more)
{
	char *middle = self->map + self->page;

	EXPECT_ERRNO(ENOMEM, map_rw(self->fd, self->page));
	EXPECT_ERRNO(ENOMEM, mprotect(middle, self->page, PROT_READ));
	EXPECT_ERRNO(ENOMEM, munmap(middle, self->page));
	EXPECT_ERRNO(ENOMEM, mremap(middle, self->page, self->page,
				    MREMAP_MAYMOVE | MREMAP_FIXED,
				    self->map + 64 * self->page));
	EXPECT_ERRNO(EAGAIN, madvise(middle, self->page, MADV_RANDOM));
}

/* mprotect(2), mremap(2), munmap(2) */

TEST_F(device, mprotect_of_what_cannot_be)
{
	int grows = PROT_GROWSDOWN | PROT_GROWSUP;
	char *map = map_device(self->read_only, self->page, PROT_READ, 0);

	EXPECT_ERRNO(EACCES, mprotect(self->map, self->page, RW | PROT_EXEC));
	EXPECT_ERRNO(EACCES, mprotect(map, self->page, RW));
	EXPECT_ERRNO(EINVAL, mprotect(self->map + 1, self->page, RW));
	EXPECT_ERRNO(EINVAL, mprotect(self->map, self->page, RW | PROT_UNKNOWN));
	EXPECT_ERRNO(EINVAL, mprotect(self->map, self->page, RW | PROT_GROWSDOWN));
	EXPECT_ERRNO(EINVAL, mprotect(self->map, self->page, RW | grows));
	EXPECT_ERRNO(ENOMEM, mprotect(self->hole, self->page, RW));
}

TEST_F(device, mremap_that_would_grow_is_efault)
{
	size_t more = self->size + self->page;

	EXPECT_ERRNO(EFAULT, mremap(self->map, self->size, more, 0));
	EXPECT_ERRNO(EFAULT, mremap(self->map, self->size, more, MREMAP_MAYMOVE));
	EXPECT_ERRNO(EFAULT, mremap(self->map, 0, self->page, MREMAP_MAYMOVE));
	EXPECT_ERRNO(EFAULT, mremap(self->hole, self->page, 2 * self->page, 0));
}

TEST_F(device, mremap_with_wrong_arguments_is_einval)
{
	int move = MREMAP_MAYMOVE, fixed = move | MREMAP_FIXED;

	EXPECT_ERRNO(EINVAL, mremap(self->map, self->page, self->page, 64));
	EXPECT_ERRNO(EINVAL, mremap(self->map + 1, self->page, self->page, 0));
	EXPECT_ERRNO(EINVAL, mremap(self->map, self->page, 0, 0));
	EXPECT_ERRNO(EINVAL, mremap(self->map, self->page, self->page,
				    move | MREMAP_DONTUNMAP));
	EXPECT_ERRNO(EINVAL, mremap(self->map, self->page, self->page,
				    MREMAP_FIXED, self->hole));
	EXPECT_ERRNO(EINVAL, mremap(self->map, self->page, self->page, fixed,
				    self->map));
	EXPECT_ERRNO(EINVAL, mremap(self->map, self->page, self->page, fixed,
				    self->hole + 1));
}

TEST_F(device, munmap_with_wrong_arguments_is_einval)
{
	EXPECT_ERRNO(EINVAL, munmap(self->map + 1, self->page));
	EXPECT_ERRNO(EINVAL, munmap(self->map, 0));
	EXPECT_ERRNO(EINVAL, munmap((char *)-self->page, self->page));
	EXPECT_EQ(0, munmap(self->hole, self->page));
}

/* Since 6.10: a sealed mapping cannot change while the process lives. */
TEST_F(device, changes_of_a_sealed_mapping_are_eperm)
{
	if (syscall(SYS_mseal, self->map, self->page, 0)) {
		EXPECT_EQ(ENOSYS, errno);
		return;
	}
	EXPECT_ERRNO(EPERM, mprotect(self->map, self->page, PROT_READ));
	EXPECT_ERRNO(EPERM, munmap(self->map, self->page));
	EXPECT_ERRNO(EPERM, mremap(self->map, self->page, self->page,
				   MREMAP_MAYMOVE | MREMAP_FIXED, self->hole));
	EXPECT_ERRNO(EPERM, map_at(self->map, self->page, MAP_SHARED | MAP_FIXED,
				   self->fd));
	EXPECT_ERRNO(EPERM, syscall(SYS_remap_file_pages, self->map, self->page,
				    0, 1, 0));
}

/* madvise(2), mincore(2), msync(2), mlock(2) */

TEST_F(device, madvise_that_does_not_fit)
{
	char *map = map_device(self->fd, self->page, PROT_READ, 0);

	EXPECT_ERRNO(EINVAL, madvise(self->map, self->page, 77));
	EXPECT_ERRNO(EINVAL, madvise(self->map + 1, self->page, MADV_WILLNEED));
	EXPECT_ERRNO(EINVAL, madvise(self->map, self->page, MADV_FREE));
	EXPECT_ERRNO(EINVAL, madvise(self->map, self->page, MADV_WIPEONFORK));
	EXPECT_ERRNO(EINVAL, madvise(self->map, self->page, MADV_DODUMP));
	EXPECT_ERRNO(EINVAL, madvise(map, self->page, MADV_POPULATE_WRITE));
	EXPECT_ERRNO(ENOMEM, madvise(self->hole, self->page, MADV_WILLNEED));
	EXPECT_ERRNO(is_pageable() ? EPERM : ENODEV,
		     madvise(self->map, self->page, MADV_REMOVE));
	ASSERT_EQ(0, become_user(USER_A, self->size));
	EXPECT_ERRNO(EPERM, madvise(self->map, self->page, MADV_HWPOISON));
}

TEST_F(device, mincore_with_wrong_arguments)
{
	unsigned char vec[PAGES];

	EXPECT_EQ(0, mincore(self->map, self->size, vec));
	EXPECT_ERRNO(EINVAL, mincore(self->map + 1, self->page, vec));
	EXPECT_ERRNO(ENOMEM, mincore(self->hole, self->page, vec));
	EXPECT_ERRNO(EFAULT, mincore(self->map, self->page, (void *)self->hole));
}

TEST_F(device, msync_with_wrong_arguments)
{
	EXPECT_ERRNO(EINVAL, msync(self->map, self->page, MS_SYNC | MS_ASYNC));
	EXPECT_ERRNO(EINVAL, msync(self->map, self->page, 8));
	EXPECT_ERRNO(EINVAL, msync(self->map + 1, self->page, MS_SYNC));
	EXPECT_ERRNO(ENOMEM, msync(self->hole, self->page, MS_SYNC));
}

TEST_F(device, mlock_with_wrong_arguments_or_too_much)
{
	EXPECT_ERRNO(EINVAL, mlock2(self->map, self->page, 8));
	EXPECT_ERRNO(EINVAL, mlockall(0));
	EXPECT_ERRNO(ENOMEM, mlock(self->hole, self->page));
	EXPECT_ERRNO(ENOMEM, munlock(self->hole, self->page));
	ASSERT_EQ(0, become_user(USER_A, self->page));
	EXPECT_ERRNO(ENOMEM, mlock(self->map, self->size));
	EXPECT_ERRNO(ENOMEM, mlockall(MCL_CURRENT));
	ASSERT_EQ(0, set_memlock(0));
	EXPECT_ERRNO(EPERM, mlock(self->map, self->page));
	EXPECT_ERRNO(EPERM, mlockall(MCL_CURRENT));
}

/* ioctl(2), lseek(2) */

TEST_F(device, ioctl_of_no_open_file_is_ebadf)
{
	struct xxshm_info info = {};

	EXPECT_ERRNO(EBADF, ioctl(-1, XXSHM_IOC_INFO, &info));
	EXPECT_ERRNO(EBADF, ioctl(self->path, XXSHM_IOC_INFO, &info));
	EXPECT_EQ(0, ioctl(self->write_only, XXSHM_IOC_INFO, &info));
}

/* They are the same for every file: the device is not asked. */
TEST_F(device, ioctls_of_the_vfs)
{
	struct file_clone_range range = { .src_fd = self->fd };
	struct fiemap fiemap = {};
	int on = 1;

	EXPECT_EQ(0, ioctl(self->fd, FIONBIO, &on));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, FIOASYNC, &on));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, FIONREAD, &on));
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, FS_IOC_GETFLAGS, &on));
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(self->fd, FS_IOC_FIEMAP, &fiemap));
	EXPECT_ERRNO(EINVAL, ioctl(self->fd, FICLONERANGE, &range));
	ASSERT_EQ(0, become_user(USER_A, 0));
	EXPECT_ERRNO(EPERM, ioctl(self->fd, FIFREEZE, 0));
}

TEST_F(device, lseek_that_leads_nowhere)
{
	EXPECT_ERRNO(EINVAL, lseek(self->fd, -1, SEEK_SET));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, 1, SEEK_END));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, 0, SEEK_HOLE));
	EXPECT_ERRNO(EINVAL, lseek(self->fd, 0, 9));
	EXPECT_ERRNO(EBADF, lseek(self->path, 0, SEEK_END));
}

#ifdef SYS_mmap2
/* In ia32, this program is built without large-file support. */
TEST_F(device, size_beyond_off_t_is_eoverflow)
{
	struct stat st;
	int fd;

	ASSERT_EQ(4, sizeof(off_t));
	for (fd = 3; fd < 16; fd++)
		close(fd);
	munmap(self->map, self->size);
	ASSERT_EQ(0, module_load("size=4G pageable=1"));
	fd = open(DEVICE, O_RDWR);
	EXPECT_ERRNO(EOVERFLOW, lseek(fd, 0, SEEK_END));
	EXPECT_ERRNO(EOVERFLOW, fstat(fd, &st));
	EXPECT_EQ(4LL << 30, lseek64(open64(DEVICE, O_RDWR), 0, SEEK_END));
}
#endif

/* fstat(2), ftruncate(2), fallocate(2), and others about a file's size */

TEST_F(device, ftruncate_is_einval)
{
	EXPECT_ERRNO(EINVAL, ftruncate(self->fd, 0));
	EXPECT_ERRNO(EINVAL, ftruncate(self->fd, self->size));
	EXPECT_ERRNO(EINVAL, ftruncate(self->read_only, 0));
	EXPECT_ERRNO(EINVAL, truncate(DEVICE, 0));
	EXPECT_ERRNO(EBADF, ftruncate(self->path, 0));
}

TEST_F(device, fallocate_is_enodev)
{
	EXPECT_ERRNO(ENODEV, fallocate(self->fd, 0, 0, self->size));
	EXPECT_ERRNO(ENODEV, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE, 0, self->page));
	EXPECT_EQ(ENODEV, posix_fallocate(self->fd, 0, self->size));
	EXPECT_ERRNO(EOPNOTSUPP, fallocate(self->fd, 0x4000, 0, self->page));
	EXPECT_ERRNO(EINVAL, fallocate(self->fd, 0, 0, 0));
	EXPECT_ERRNO(EBADF, fallocate(self->read_only, 0, 0, self->page));
	EXPECT_ERRNO(EBADF, fallocate(self->path, 0, 0, self->page));
}

TEST_F(device, calls_about_the_bytes_of_a_file)
{
	EXPECT_EQ(0, fsync(self->read_only));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_ERRNO(EBADF, fsync(self->path));
	EXPECT_ERRNO(ESPIPE, sync_file_range(self->fd, 0, self->page, 2));
	EXPECT_ERRNO(EINVAL, readahead(self->fd, 0, self->page));
	EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_WILLNEED));
	EXPECT_EQ(EINVAL, posix_fadvise(self->fd, 0, 0, 77));
}

/* read(2), write(2), poll(2), splice(2) */

TEST_F(device, read_and_write_are_einval_or_ebadf)
{
	char byte = 0;

	EXPECT_ERRNO(EINVAL, read(self->fd, &byte, 0));
	EXPECT_ERRNO(EINVAL, pread(self->fd, &byte, 1, 0));
	EXPECT_ERRNO(EINVAL, pwrite(self->fd, &byte, 1, 0));
	EXPECT_ERRNO(EBADF, read(self->write_only, &byte, 1));
	EXPECT_ERRNO(EBADF, write(self->read_only, &byte, 1));
	EXPECT_ERRNO(EBADF, read(self->path, &byte, 1));
}

TEST_F(device, poll_is_always_ready_and_epoll_is_eperm)
{
	struct pollfd fds = { .fd = self->fd, .events = POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	EXPECT_EQ(1, poll(&fds, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, fds.revents);
	EXPECT_ERRNO(EPERM, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_ERRNO(EBADF, epoll_ctl(epoll, EPOLL_CTL_ADD, self->path, &event));
}

TEST_F(device, splice_and_the_like_are_einval_or_ebadf)
{
	int pipes[2], other = open("/proc/self/exe", O_RDONLY);

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(1, write(pipes[1], "w", 1));
	EXPECT_ERRNO(EINVAL, splice(self->fd, NULL, pipes[1], NULL, 1, 0));
	EXPECT_ERRNO(EINVAL, splice(pipes[0], NULL, self->fd, NULL, 1, 0));
	EXPECT_ERRNO(EINVAL, tee(self->fd, pipes[1], 1, 0));
	EXPECT_ERRNO(EINVAL, sendfile(pipes[1], self->fd, NULL, 1));
	EXPECT_ERRNO(EINVAL, sendfile(self->fd, other, NULL, 1));
	EXPECT_ERRNO(EINVAL, copy_file_range(other, NULL, self->fd, NULL, 1, 0));
	EXPECT_ERRNO(EBADF, sendfile(pipes[1], self->write_only, NULL, 1));
	EXPECT_ERRNO(EBADF, sendfile(self->read_only, other, NULL, 1));
	EXPECT_EQ(1, write(pipes[1], self->map, 1));
}

/* flock(2), fcntl(2) */

TEST_F(device, flock_is_between_descriptors)
{
	EXPECT_EQ(0, flock(self->fd, LOCK_EX));
	EXPECT_ERRNO(EWOULDBLOCK, flock(self->read_only, LOCK_EX | LOCK_NB));
	EXPECT_ERRNO(EINVAL, flock(self->fd, 77));
	EXPECT_ERRNO(EBADF, flock(self->path, LOCK_EX));
}

TEST_F(device, record_locks_are_those_of_any_file)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	EXPECT_EQ(0, fcntl(self->fd, F_OFD_SETLK, &lock));
	EXPECT_ERRNO(EAGAIN, fcntl(self->write_only, F_OFD_SETLK, &lock));
	EXPECT_ERRNO(EBADF, fcntl(self->read_only, F_OFD_SETLK, &lock));
	lock.l_type = F_RDLCK;
	EXPECT_ERRNO(EBADF, fcntl(self->write_only, F_OFD_SETLK, &lock));
	lock.l_whence = 7;
	EXPECT_ERRNO(EINVAL, fcntl(self->fd, F_OFD_SETLK, &lock));
}

TEST_F(device, fcntl_that_wants_another_kind_of_file)
{
	EXPECT_ERRNO(EINVAL, fcntl(self->fd, F_SETFL, O_DIRECT));
	EXPECT_ERRNO(EINVAL, fcntl(self->fd, F_SETLEASE, F_RDLCK));
	EXPECT_ERRNO(EINVAL, fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_ERRNO(EINVAL, fcntl(self->fd, F_GET_SEALS));
	/* A kernel may lack it. */
	EXPECT_ERRNO(access("/proc/sys/fs/dir-notify-enable", F_OK) ? EINVAL : ENOTDIR,
		     fcntl(self->fd, F_NOTIFY, DN_ACCESS));
	EXPECT_ERRNO(EBADF, fcntl(self->fd, F_GETPIPE_SZ));
	EXPECT_ERRNO(EBADF, fcntl(self->path, F_SETFL, 0));
	ASSERT_EQ(0, become_user(USER_A, 0));
	EXPECT_ERRNO(EACCES, fcntl(self->fd, F_SETLEASE, F_RDLCK));
}

/* remap_file_pages(2) */

static long remap_pages(char *addr, size_t len, int prot, size_t pgoff)
{
	return syscall(SYS_remap_file_pages, addr, len, prot, pgoff, 0);
}

TEST_F(device, remap_file_pages_that_does_not_fit)
{
	char *map = map_device(self->read_only, self->page, PROT_READ, 0);

	EXPECT_ERRNO(EINVAL, remap_pages(self->hole, self->page, 0, 0));
	EXPECT_ERRNO(EINVAL, remap_pages(self->map, 0, 0, 0));
	EXPECT_ERRNO(EINVAL, remap_pages(self->map, self->page, PROT_READ, 0));
	EXPECT_ERRNO(EINVAL, remap_pages(map, self->page, 0, 0));
	EXPECT_ERRNO(ENXIO, remap_pages(self->map, self->page, 0, PAGES));
}

TEST_HARNESS_MAIN
