// SPDX-License-Identifier: GPL-2.0-only
/*
 * The properties of pageable memory only: pages come when they are touched, cost no locked
 * memory, are charged to the process that touches them, and go to swap. The programs that
 * also run on locked memory test the rest.
 */
#include <linux/fs.h>
#include <linux/futex.h>
#include <sys/uio.h>

#include "cgroup.h"
#include "harness.h"
#include "ledger.h"
#include "swap.h"
#include "within.h"

#define WINDOW	(1024UL << 10)
#define OWN_OFFSET	(IS_ILP32 ? WINDOW : 0)	/* of the window in the store */

#define EXPECT_ERRNO(expected, call) do {	\
	EXPECT_EQ(-1, (call));			\
	EXPECT_EQ(expected, errno);		\
} while (0)

static long allocated(void)
{
	return device_attribute("allocated");
}

FIXTURE(window) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(window)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=1M pageable=1"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(window)
{
	EXPECT_EQ(0, module_unload());
}

/* As in <linux/fs.h> since 6.11: the mapping at an address, and its build ID. */
struct map_query {
	__u64 size, flags, addr, vma[5], inode;
	__u32 dev[2], name_size, build_id_size;
	__u64 name_addr, build_id_addr;
};

#define MAP_QUERY	_IOWR('f', 17, struct map_query)

/* The kernel reads a mapped file for this, if it says that it can be read. */
TEST_F(window, asking_for_a_build_id_is_not_logged)
{
	int maps = open("/proc/self/maps", O_RDONLY);
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char id[20], line[1024], *map = map_rw(self->fd, WINDOW);
	struct map_query query = {
		.size = sizeof(query), .addr = (unsigned long)map,
		.build_id_addr = (unsigned long)id, .build_id_size = sizeof(id),
	};

	ASSERT_NE(MAP_FAILED, map);
	*map = 1;
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	if (ioctl(maps, MAP_QUERY, &query) && errno == ENOTTY)
		SKIP(return, "this kernel cannot be asked");
	EXPECT_EQ(0, query.build_id_size);
	EXPECT_ERRNO(EAGAIN, read(log, line, sizeof(line)));
}

TEST_F(window, costs_a_user_nothing)
{
	char *map;

	ASSERT_EQ(0, become_user(USER_A, 0));
	map = map_rw(self->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	memset(map, 'c', WINDOW);
	EXPECT_EQ(0, user_locked(self->fd));
	EXPECT_EQ(0, charged(self->fd));
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, device_attribute("refused"));
}

TEST_F(window, fdinfo_has_no_mappings)
{
	char path[64];

	ASSERT_NE(MAP_FAILED, map_device(self->fd, WINDOW, PROT_READ, 0));
	EXPECT_EQ(1, fdinfo_has(self->fd, "backing:\tpageable"));
	EXPECT_EQ(1, fdinfo_has(self->fd, "allocated:\tnone"));
	EXPECT_EQ(1, fdinfo_has(self->fd, "charged:\t0"));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	EXPECT_EQ(-1, read_number(path, "mapping:"));
}

TEST_F(window, pages_come_as_they_are_touched)
{
	char *map = map_rw(self->fd, WINDOW);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, allocated());
	EXPECT_EQ(0, *(volatile char *)map);
	EXPECT_EQ((long)self->page, allocated());
	map[WINDOW - 1] = 1;
	map[0] = 1;
	EXPECT_EQ(2 * (long)self->page, allocated());
	ASSERT_EQ(0, run_peer(OTHER_PEER, "write", 0, "1"));
	EXPECT_EQ(3 * (long)self->page, allocated());
}

TEST_F(window, pages_stay_when_nobody_has_them_mapped)
{
	char *map = map_rw(self->fd, WINDOW);

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 's';
	ASSERT_EQ(0, munmap(map, WINDOW));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ((long)self->page, allocated());
	EXPECT_EQ('s', run_peer("./peer", "read", 0, NULL));
	EXPECT_EQ((long)self->page, allocated());
}

TEST_F(window, populating_takes_a_mapping_and_no_more)
{
	ASSERT_NE(MAP_FAILED, mmap(NULL, WINDOW / 2, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_POPULATE, self->fd, 0));
	EXPECT_EQ((long)WINDOW / 2, allocated());
}

TEST_F(window, pages_are_zero)
{
	char *map = map_rw(self->fd, WINDOW);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, dirty_memory(16 * WINDOW));
	EXPECT_TRUE(is_zero(map, WINDOW));
	EXPECT_EQ((long)WINDOW, allocated());
}

/* Without asking the device, it would be a mapping of tmpfs, which holds no module. */
TEST_F(window, remapped_pages_keep_the_module)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, syscall(SYS_remap_file_pages, map, self->page, 0, 1, 0));
	close(self->fd);
	EXPECT_ERRNO(EAGAIN, module_unload());
	map[0] = 'r';
	ASSERT_EQ(0, munmap(map, self->page));
	EXPECT_EQ('r', run_peer("./peer", "read", self->page, NULL));
	EXPECT_EQ(0, module_unload());
	ASSERT_EQ(0, module_load("pageable=1"));
}

/* Only root may do so: window_attack.c has what users get. */
TEST_F(window, map_file_opens_for_reading_only)
{
	char *map = map_rw(self->fd, self->page), byte = 0;
	int fd;

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'm';
	EXPECT_ERRNO(EPERM, open_map_file_as(map, self->page, O_RDWR));
	EXPECT_ERRNO(EPERM, open_map_file_as(map, self->page, O_WRONLY));
	EXPECT_ERRNO(EPERM, open_map_file_as(map, self->page, O_RDONLY | O_TRUNC));
	fd = open_map_file_as(map, self->page, O_RDONLY);
	EXPECT_EQ(1, pread(fd, &byte, 1, OWN_OFFSET));
	EXPECT_EQ('m', byte);
}

TEST_F(window, map_file_cannot_be_changed)
{
	char *map = map_rw(self->fd, self->page);
	int fd;

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'm';
	fd = open_map_file_as(map, self->page, O_RDONLY);
	ASSERT_GE(fd, 0);
	EXPECT_ERRNO(EBADF, pwrite(fd, "w", 1, OWN_OFFSET));
	EXPECT_ERRNO(EINVAL, ftruncate(fd, 0));
	EXPECT_ERRNO(EBADF, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				      0, 2 * WINDOW));
	EXPECT_ERRNO(EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_ERRNO(EPERM, fchmod(fd, 0));
	EXPECT_EQ(MAP_FAILED, map_rw(fd, self->page));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ('m', map[0]);
}

/* Lifting it takes the same capability as for any file. */
TEST_F(window, map_file_stays_immutable)
{
	char *map = map_rw(self->fd, self->page);
	int fd, flags = 0;

	ASSERT_NE(MAP_FAILED, map);
	fd = open_map_file_as(map, self->page, O_RDONLY);
	ASSERT_GE(fd, 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) && errno == ENOTTY)
		SKIP(return, "files of this kernel's tmpfs have no flags");
	EXPECT_EQ(FS_IMMUTABLE_FL, flags & FS_IMMUTABLE_FL);
	ASSERT_EQ(0, drop_capability(CAP_LINUX_IMMUTABLE));
	flags = 0;
	EXPECT_ERRNO(EPERM, ioctl(fd, FS_IOC_SETFLAGS, &flags));
	EXPECT_ERRNO(EPERM, open_map_file(map, self->page));
}

/* An O_PATH descriptor holds the memory, not the module. */
TEST_F(window, map_file_outlives_the_module)
{
	char *map = map_rw(self->fd, self->page), path[64], byte = 0;
	int place, fd;

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'o';
	place = open_map_file_as(map, self->page, O_PATH);
	ASSERT_GE(place, 0);
	ASSERT_EQ(0, munmap(map, self->page));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	EXPECT_ERRNO(EPERM, open(path, O_RDWR));
	fd = open(path, O_RDONLY);
	EXPECT_EQ(1, pread(fd, &byte, 1, OWN_OFFSET));
	EXPECT_EQ('o', byte);
	EXPECT_NE(MAP_FAILED, map_device(fd, self->page, PROT_READ, 0));
	ASSERT_EQ(0, module_load("pageable=1"));
}

#define SPARSE	(1024ULL << 30)	/* far more than the machine has */

FIXTURE(sparse) {
	int fd;
};

FIXTURE_SETUP(sparse)
{
	ASSERT_EQ(0, module_load("size=1024G pageable=1"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(sparse)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(sparse, last_page_is_there)
{
	__u64 pages = SPARSE / page_size();
	char *map = map_pgoff(self->fd, page_size(), pages - 1);

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'l';
	EXPECT_EQ((long)page_size(), allocated());
	EXPECT_EQ('l', map_pgoff(self->fd, page_size(), pages - 1)[0]);
	EXPECT_EQ(MAP_FAILED, map_pgoff(self->fd, page_size(), pages));
	EXPECT_EQ(ENXIO, errno);
}

#ifdef __LP64__
TEST_F(sparse, maps_as_a_whole)
{
	char *map = map_rw(self->fd, SPARSE);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, allocated());
	map[SPARSE / 2] = 'w';
	map[SPARSE - 1] = 'w';
	EXPECT_EQ(2 * (long)page_size(), allocated());
}
#endif

FIXTURE(two) {
	int fd;
};

/* Two memory cgroups; the test is in neither. */
FIXTURE_SETUP(two)
{
	ASSERT_EQ(0, module_load("size=32M pageable=1"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, cgroup_make(OTHER));
}

FIXTURE_TEARDOWN_PARENT(two)
{
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
	EXPECT_EQ(0, cgroup_remove(OTHER));
}

#define MAPPED	(32UL << 20)

/* Small counts of a cgroup arrive late. */
#define ABOUT	(MAPPED / 8)

TEST_F(two, who_touches_a_page_first_pays)
{
	ASSERT_EQ(0, touch_in(OURS, self->fd, MAPPED, 0, MAPPED / 2));
	EXPECT_GT(cgroup_stat(OURS, "shmem "), (long)(MAPPED / 2 - ABOUT));
	ASSERT_EQ(0, touch_in(OTHER, self->fd, MAPPED, 0, MAPPED));
	EXPECT_LT(cgroup_stat(OURS, "shmem "), (long)(MAPPED / 2 + ABOUT));
	EXPECT_GT(cgroup_stat(OTHER, "shmem "), (long)(MAPPED / 2 - ABOUT));
	EXPECT_LT(cgroup_stat(OTHER, "shmem "), (long)(MAPPED / 2 + ABOUT));
}

TEST_F(two, mapping_alone_is_free)
{
	ASSERT_EQ(0, touch_in(OURS, self->fd, MAPPED, 0, 0));
	EXPECT_LT(cgroup_stat(OURS, "shmem "), (long)ABOUT);
	EXPECT_EQ(0, allocated());
}

FIXTURE(swapped) {
	int fd;
	char *map;
};

/* A window full of numbers, and all of it in swap. */
FIXTURE_SETUP(swapped)
{
	size_t i;

	if (!swap_is_there())
		SKIP(return, "this kernel has nothing to swap to");
	ASSERT_EQ(0, swap_on("64M"));
	ASSERT_EQ(0, module_load("size=1M pageable=1"));
	self->fd = open(DEVICE, O_RDWR);
	self->map = map_rw(self->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, self->map);
	for (i = 0; i < WINDOW / sizeof(int); i++)
		((int *)self->map)[i] = i;
	ASSERT_EQ(0, swap_out(self->map, WINDOW));
}

FIXTURE_TEARDOWN_PARENT(swapped)
{
	EXPECT_EQ(0, module_unload());
	swap_off();
}

static size_t wrong_numbers(const char *map)
{
	size_t i, wrong = 0;

	for (i = 0; i < WINDOW / sizeof(int); i++)
		wrong += ((int *)map)[i] != (int)i;
	return wrong;
}

TEST_F(swapped, comes_back_as_it_was)
{
	EXPECT_EQ(0, smaps_kb(self->map, "Rss:"));
	EXPECT_EQ((long)WINDOW, allocated());
	EXPECT_EQ(0, wrong_numbers(self->map));
	EXPECT_EQ((long)WINDOW / 1024, smaps_kb(self->map, "Rss:"));
	EXPECT_EQ((long)WINDOW, allocated());
}

TEST_F(swapped, outlives_all_its_users)
{
	ASSERT_EQ(0, munmap(self->map, WINDOW));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ((long)WINDOW, allocated());
	EXPECT_EQ(42, run_peer("./peer", "read", 42 * sizeof(int), NULL));
	self->map = map_rw(open(DEVICE, O_RDWR), WINDOW);
	EXPECT_EQ(0, wrong_numbers(self->map));
}

TEST_F(swapped, comes_back_in_its_own_window_only)
{
	EXPECT_EQ(0, run_peer(OTHER_PEER, "read", 42 * sizeof(int), NULL));
	EXPECT_EQ(42, run_peer("./peer", "read", 42 * sizeof(int), NULL));
}

TEST_F(swapped, unloading_gives_swap_back_and_begins_with_zeroes)
{
	long free = read_number("/proc/meminfo", "SwapFree:");

	ASSERT_EQ(0, munmap(self->map, WINDOW));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload());
	/* Each processor keeps some freed swap slots. */
	EXPECT_GT(read_number("/proc/meminfo", "SwapFree:"),
		  free + (long)WINDOW / 1024 / 2);
	ASSERT_EQ(0, module_load("size=1M pageable=1"));
	EXPECT_EQ(0, allocated());
	EXPECT_TRUE(is_zero(map_rw(open(DEVICE, O_RDWR), WINDOW), WINDOW));
}

/* The kernel locks no mapping that may not grow, and says that it did. */
TEST_F(swapped, mlock_succeeds_and_does_not_lock_it)
{
	EXPECT_EQ(0, mlock(self->map, WINDOW));
	EXPECT_EQ(0, wrong_numbers(self->map));
	EXPECT_EQ(0, smaps_kb(self->map, "Locked:"));
	EXPECT_EQ(0, swap_out(self->map, WINDOW));
}

/* Swap out pages that only one other process has mapped. */
static int swap_out_of(pid_t pid, char *at, size_t len)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct iovec iov = { at, len };

	return syscall(SYS_process_madvise, fd, &iov, 1, MADV_PAGEOUT, 0) !=
		(long)len;
}

TEST_F(swapped, futex_in_a_swapped_page_wakes_up)
{
	int *word = (int *)self->map, i;
	long all = WINDOW / 1024;
	pid_t pid = fork();

	if (!pid)
		_exit(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL) ? 1 : 0);
	ASSERT_TRUE(WITHIN(10, task_state(pid) == 'S'));
	for (i = 0; i < 10 && smaps_kb(self->map, "Swap:") < all; i++) {
		ASSERT_EQ(0, drain_lists());
		ASSERT_EQ(0, swap_out_of(pid, self->map, page_size()));
	}
	EXPECT_EQ(all, smaps_kb(self->map, "Swap:"));
	*word = 1;
	EXPECT_EQ(1, syscall(SYS_futex, word, FUTEX_WAKE, 1));
	EXPECT_EQ(0, wait_for(pid));
}

TEST_HARNESS_MAIN
