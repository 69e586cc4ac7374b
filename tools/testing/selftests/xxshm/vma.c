// SPDX-License-Identifier: GPL-2.0-only
/* A mapping behaves as one of a shared file under the calls that change it. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "device.h"
#include "harness.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

#define PAGES	4

FIXTURE(mapping) {
	int fd;
	size_t page;
	size_t size;
	char *map;
};

/* Every page of the window holds its number, counted from 1. */
FIXTURE_SETUP(mapping)
{
	char parameters[32];
	size_t i;

	self->page = page_size();
	self->size = PAGES * self->page;
	snprintf(parameters, sizeof(parameters), "size=%zu", self->size);
	ASSERT_EQ(0, module_load(parameters));
	self->fd = open(node(), O_RDWR);
	self->map = map_rw(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, self->map);
	for (i = 0; i < PAGES; i++)
		self->map[i * self->page] = i + 1;
}

FIXTURE_TEARDOWN_PARENT(mapping)
{
	EXPECT_EQ(0, module_unload());
}

/* The number on a page, by a second mapping of the window. */
static int stored(int fd, size_t index)
{
	char *map = map_pgoff(fd, page_size(), index);
	int value = map == MAP_FAILED ? -1 : map[0];

	munmap(map, page_size());
	return value;
}

TEST_F(mapping, msync_works)
{
	EXPECT_EQ(0, msync(self->map, self->size, MS_SYNC));
	EXPECT_EQ(0, msync(self->map, self->size, MS_ASYNC));
	EXPECT_EQ(0, msync(self->map, self->size, MS_SYNC | MS_INVALIDATE));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(4, stored(self->fd, 3));
}

/* The memory is locked already: the call succeeds and has nothing to do. */
TEST_F(mapping, mlock_succeeds_and_locks_nothing_more)
{
	EXPECT_EQ(0, mlock(self->map, self->size));
	EXPECT_EQ(0, smaps_kb(self->map, "Locked:"));
	EXPECT_EQ(0, munlock(self->map, self->size));
	EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, self->size));
}

/* For users without CAP_IPC_LOCK the kernel tests the length all the same. */
TEST_F(mapping, mlock_of_a_user_is_still_held_against_the_limit)
{
	struct rlimit limit = { .rlim_cur = self->page, .rlim_max = self->page };

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, setuid(65534));
	EXPECT_EQ(0, mlock(self->map, self->page));
	EXPECT_EQ(-1, mlock(self->map, self->size));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->size, PROT_READ,
				   MAP_SHARED | MAP_LOCKED, self->fd, 0));
	EXPECT_EQ(EAGAIN, errno);
}

FIXTURE(advice) {
	int fd;
	char *map;
	size_t size;
};

FIXTURE_VARIANT(advice) {
	int advice;
	int error;	/* 0: the kernel takes it */
};

#define ADVICE(name, number, errnum) \
	FIXTURE_VARIANT_ADD(advice, name) { .advice = number, .error = errnum }

ADVICE(dontneed, MADV_DONTNEED, 0);
ADVICE(dontneed_locked, MADV_DONTNEED_LOCKED, 0);
ADVICE(willneed, MADV_WILLNEED, 0);
ADVICE(sequential, MADV_SEQUENTIAL, 0);
ADVICE(random, MADV_RANDOM, 0);
ADVICE(cold, MADV_COLD, 0);
ADVICE(pageout, MADV_PAGEOUT, 0);
ADVICE(populate_write, MADV_POPULATE_WRITE, 0);
ADVICE(hugepage, MADV_HUGEPAGE, 0);
ADVICE(mergeable, MADV_MERGEABLE, 0);
ADVICE(dontfork, MADV_DONTFORK, 0);
ADVICE(free, MADV_FREE, EINVAL);
ADVICE(wipeonfork, MADV_WIPEONFORK, EINVAL);
ADVICE(dodump, MADV_DODUMP, EINVAL);
/* A mapping of less than 2 MiB has no large page to become. */
ADVICE(collapse, MADV_COLLAPSE, EINVAL);
/* It would punch a hole for everybody. */
ADVICE(remove, MADV_REMOVE, ENODEV);

/* Pageable memory is a file that could have holes, but is not to be changed. */
static int expected_error(int advice, int error)
{
	int is_large = advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE;

	return advice == MADV_REMOVE && is_pageable() ? EPERM :
	       is_large && !has_large_pages() ? EINVAL : error;
}

FIXTURE_SETUP(advice)
{
	self->size = 16 << 10;
	ASSERT_EQ(0, module_load("size=16384"));
	self->fd = open(node(), O_RDWR);
	self->map = map_rw(self->fd, self->size);
	ASSERT_NE(MAP_FAILED, self->map);
	memset(self->map, 'd', self->size);
}

FIXTURE_TEARDOWN_PARENT(advice)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(advice, never_changes_data)
{
	int error = expected_error(variant->advice, variant->error);
	char *expected = malloc(self->size);
	int ret;

	memset(expected, 'd', self->size);
	ret = madvise(self->map, self->size, variant->advice);
	EXPECT_EQ(error ? -1 : 0, ret);
	EXPECT_EQ(error, ret ? errno : 0);
	EXPECT_EQ(0, memcmp(self->map, expected, self->size));
	EXPECT_EQ('d', stored(self->fd, 0));
}

TEST_F(mapping, file_calls_that_would_change_the_store_are_refused)
{
	EXPECT_EQ(-1, fcntl(self->fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(self->fd, F_GET_SEALS));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ftruncate(self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(self->fd, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, 0, self->size));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(3, stored(self->fd, 2));
}

TEST_F(mapping, open_with_truncation_keeps_data)
{
	ASSERT_GE(open(node(), O_RDWR | O_TRUNC), 0);
	EXPECT_EQ(3, stored(self->fd, 2));
}

TEST_F(mapping, mremap_shrinks)
{
	EXPECT_EQ(self->map, mremap(self->map, self->size, self->page, 0));
	EXPECT_EQ(1, self->map[0]);
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map + self->page));
	EXPECT_EQ(4, stored(self->fd, 3));
}

TEST_F(mapping, mremap_moves)
{
	char *to = mmap(NULL, self->size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(to, mremap(self->map, self->size, self->size,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(4, to[3 * self->page]);
	to[0] = 9;
	EXPECT_EQ(9, stored(self->fd, 0));
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
}

TEST_F(mapping, munmap_in_the_middle_keeps_both_ends)
{
	ASSERT_EQ(0, munmap(self->map + self->page, self->page));
	EXPECT_EQ(1, self->map[0]);
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map + self->page));
	EXPECT_EQ(3, self->map[2 * self->page]);
	EXPECT_EQ(4, self->map[3 * self->page]);
}

TEST_F(mapping, mprotect_of_one_page_and_back)
{
	char *page = self->map + self->page;

	ASSERT_EQ(0, mprotect(page, self->page, PROT_READ));
	EXPECT_EQ(SIGSEGV, signal_of_touching(page));
	EXPECT_EQ(0, signal_of_touching(page + self->page));
	ASSERT_EQ(0, mprotect(page, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, signal_of_touching(page));
}

TEST_F(mapping, child_shares_after_fork)
{
	pid_t pid = fork();

	if (!pid) {
		self->map[0] += 10;
		_exit(self->map[self->page]);
	}
	EXPECT_EQ(2, wait_for(pid));
	EXPECT_EQ(11, self->map[0]);
}

TEST_F(mapping, child_keeps_it_after_the_parent_let_go)
{
	int go[2], back[2];
	char byte = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(go) | pipe(back));
	pid = fork();
	if (!pid) {
		byte = read(go[0], &byte, 1) + self->map[self->page];
		_exit(write(back[1], &byte, 1) != 1);
	}
	munmap(self->map, self->size);
	close(self->fd);
	ASSERT_EQ(1, write(go[1], &byte, 1));
	ASSERT_EQ(1, read(back[0], &byte, 1));
	EXPECT_EQ(3, byte);
	EXPECT_EQ(0, wait_for(pid));
}

TEST_F(mapping, thousand_forks)
{
	int i;

	for (i = 0; i < 1000; i++) {
		pid_t pid = fork();

		if (!pid) {
			(*(int *)self->map)++;
			_exit(0);
		}
		ASSERT_EQ(0, wait_for(pid));
	}
	EXPECT_EQ(1001, *(int *)self->map);
}

TEST_F(mapping, exec_drops_it_and_the_descriptor_stays)
{
	char path[64], command[192];
	pid_t pid = fork();

	if (!pid) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
		snprintf(command, sizeof(command),
			 "test -e %s && ! grep -q %s /proc/self/maps", path,
			 node());
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(255);
	}
	EXPECT_EQ(0, wait_for(pid));
}

/* 6.12 merges neighbours without asking the driver, if it is allowed to. */
TEST_F(mapping, neighbours_stay_two_mappings)
{
	char *room = mmap(NULL, 2 * self->page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(room + i * self->page,
			  mmap(room + i * self->page, self->page, PROT_READ,
			       MAP_SHARED | MAP_FIXED, self->fd,
			       i * self->page));
	EXPECT_NE(NULL, smaps_line(room, ""));
	EXPECT_NE(NULL, smaps_line(room + self->page, ""));
	EXPECT_EQ(2, room[self->page]);
}

/* Past the window the neighbour must not come by merging either. */
TEST_F(mapping, neighbour_past_the_window_is_enxio)
{
	char *room = mmap(NULL, 2 * self->size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(room, mmap(room, self->size, PROT_READ,
			     MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(room + self->size, self->page, PROT_READ,
				   MAP_SHARED | MAP_FIXED, self->fd,
				   self->size));
	EXPECT_EQ(ENXIO, errno);
}

static int remap_pages(char *addr, size_t len, size_t pgoff)
{
	return syscall(SYS_remap_file_pages, addr, len, 0, pgoff, 0);
}

TEST_F(mapping, remap_file_pages_moves_inside_the_window)
{
	ASSERT_EQ(0, remap_pages(self->map, self->page, 2));
	EXPECT_EQ(3, self->map[0]);
	EXPECT_EQ(2, self->map[self->page]);
}

TEST_F(mapping, remap_file_pages_past_the_window_is_enxio)
{
	EXPECT_EQ(-1, remap_pages(self->map, self->page, PAGES));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(1, stored(self->fd, 0));
}

TEST_F(mapping, remap_file_pages_does_not_lift_the_protection)
{
	ASSERT_EQ(0, remap_pages(self->map, self->page, 1));
	EXPECT_EQ(-1, mprotect(self->map, self->page, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
}

/* The kernel does not take a mapping without write permission for shared. */
TEST_F(mapping, remap_file_pages_of_a_read_only_descriptor_is_einval)
{
	char *map = map_device(open(node(), O_RDONLY), self->page, PROT_READ, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, remap_pages(map, self->page, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, map[0]);
}

/*
 * An ILP32 mapping lies behind the LP64 window in the device's memory. A driver's
 * memory lies anywhere.
 */
TEST_F(mapping, maps_names_the_device_and_the_offset)
{
	size_t start = IS_ILP32 ? self->size : 0;
	char offset[24];
	char *head = smaps_line(self->map, "");

	ASSERT_NE(NULL, head);
	snprintf(offset, sizeof(offset), " rw-s %08zx ", start);
	EXPECT_NE(NULL, strstr(head, node()));
	EXPECT_NE(NULL, strstr(head, is_device() ? offset : " rw-s "))
		TH_LOG("'%s' is not in: %s", offset, head);
}

TEST_F(mapping, smaps_counts_the_touched_pages)
{
	EXPECT_EQ((long)self->size / 1024, smaps_kb(self->map, "Size:"));
	EXPECT_EQ((long)self->size / 1024, smaps_kb(self->map, "Rss:"));
	EXPECT_EQ((long)self->size / 1024, smaps_kb(self->map, "Pss:"));
	EXPECT_EQ(0, smaps_kb(self->map, "Swap:"));
}

/* Few pages are mapped before anybody touches them, if they are there for sure. */
TEST_F(mapping, is_mapped_at_once_if_it_is_small)
{
	char *map = map_device(self->fd, self->size, PROT_READ, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(if_locked(self->size / 1024), smaps_kb(map, "Rss:"));
	EXPECT_EQ(1, *(volatile char *)map);
}

/*
 * Fault-around: one fault also maps pages nearby, those of an aligned block. The second
 * page may be the last of its block.
 */
TEST_F(mapping, reading_one_page_maps_its_neighbours)
{
	ASSERT_EQ(0, madvise(self->map, self->size, MADV_DONTNEED));
	EXPECT_EQ(0, smaps_kb(self->map, "Rss:"));
	EXPECT_EQ(2, *(volatile char *)(self->map + self->page));
	EXPECT_GE(smaps_kb(self->map, "Rss:"), 2 * (long)self->page / 1024);
}

/* tmpfs does not do this for an access that writes. */
TEST_F(mapping, writing_to_one_page_maps_its_neighbours)
{
	long mapped, page = self->page / 1024;

	ASSERT_EQ(0, madvise(self->map, self->size, MADV_DONTNEED));
	self->map[self->page] = 9;
	mapped = smaps_kb(self->map, "Rss:");
	EXPECT_TRUE(is_pageable() ? mapped == page : mapped >= 2 * page)
		TH_LOG("%ld KiB are mapped", mapped);
	EXPECT_EQ(1, self->map[0]);
}

/* Pages mapped beyond a part show only in their own number of mappings. */
TEST_F(mapping, neighbours_end_where_the_mapping_ends)
{
	char *all = map_rw(self->fd, self->size), *part = self->map + self->page;
	size_t i;

	ASSERT_NE(MAP_FAILED, all);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(i + 1, (size_t)all[i * self->page]);
	ASSERT_EQ(0, munmap(self->map, self->page));
	ASSERT_EQ(0, munmap(part + self->page, self->size - 2 * self->page));
	ASSERT_EQ(0, madvise(part, self->page, MADV_DONTNEED));
	*part = 9;
	EXPECT_EQ(1, times_mapped(all));
	EXPECT_EQ(2, times_mapped(all + self->page));
	EXPECT_EQ(1, times_mapped(all + 2 * self->page));
}

/* dd: not in core dumps. de: never grows. */
TEST_F(mapping, is_neither_dumped_nor_expanded)
{
	char *flags = smaps_line(self->map, "VmFlags:");

	ASSERT_NE(NULL, flags);
	EXPECT_NE(NULL, strstr(flags, " dd"));
	EXPECT_NE(NULL, strstr(flags, " de"));
	EXPECT_EQ(NULL, strstr(flags, " me"));
}

TEST_HARNESS_MAIN
