// SPDX-License-Identifier: GPL-2.0-only
/* The kernel itself reads and writes through a mapping, page by page. */
#include <linux/fs.h>
#include <sys/uio.h>

#include "device.h"
#include "harness.h"

#define DISK	"/dev/ram0"
#define SIZE	(64 << 10)

FIXTURE(transfer) {
	int disk;
	char *map;
};

FIXTURE_SETUP(transfer)
{
	ASSERT_EQ(0, module_load("size=65536"));
	/* A kernel made for testing has it built in. */
	if (access("/dev/ram0", F_OK))
		ASSERT_EQ(0, system("modprobe -q brd rd_nr=1 rd_size=4096"));
	self->disk = open(DISK, O_RDWR | O_DIRECT);
	ASSERT_GE(self->disk, 0);
	self->map = map_rw(open(node(), O_RDWR), SIZE);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN_PARENT(transfer)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(transfer, o_direct_write_takes_the_bytes_of_the_window)
{
	char *back = aligned_alloc(page_size(), SIZE);

	memset(self->map, 'o', SIZE);
	ASSERT_EQ(SIZE, pwrite(self->disk, self->map, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, back, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->map, back, SIZE));
}

TEST_F(transfer, o_direct_read_fills_the_window)
{
	char *data = aligned_alloc(page_size(), SIZE);

	memset(data, 'i', SIZE);
	ASSERT_EQ(SIZE, pwrite(self->disk, data, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, self->map, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->map, data, SIZE));
}

TEST_F(transfer, o_direct_reaches_pages_that_nobody_touched_yet)
{
	char *untouched = map_rw(open(node(), O_RDWR), SIZE);
	char *back = aligned_alloc(page_size(), SIZE);

	memset(self->map, 'u', SIZE);
	ASSERT_EQ(0, madvise(untouched, SIZE, MADV_DONTNEED));
	EXPECT_EQ(0, smaps_kb(untouched, "Rss:"));
	ASSERT_EQ(SIZE, pwrite(self->disk, untouched, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, back, SIZE, 0));
	EXPECT_EQ(0, memcmp(self->map, back, SIZE));
}

/* A child that has not mapped the device reaches its parent's mapping. */
TEST_F(transfer, process_vm_readv_and_writev_work)
{
	char *data = malloc(SIZE);
	struct iovec here = { .iov_base = data, .iov_len = SIZE };
	struct iovec there = { .iov_base = self->map, .iov_len = SIZE };
	pid_t parent = getpid(), pid;

	memset(self->map, 'r', SIZE);
	pid = fork();
	if (!pid) {
		munmap(self->map, SIZE);
		if (process_vm_readv(parent, &here, 1, &there, 1, 0) != SIZE)
			_exit(1);
		data[SIZE - 1]++;
		_exit(process_vm_writev(parent, &here, 1, &there, 1, 0) != SIZE);
	}
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ('r', self->map[SIZE - 2]);
	EXPECT_EQ('s', self->map[SIZE - 1]);
}

/* A page that a pipe still holds outlives mapping, file and module. */
TEST_F(transfer, pages_in_flight_outlive_the_module)
{
	struct iovec iov = { .iov_base = self->map, .iov_len = page_size() };
	char *back = malloc(page_size());
	int ends[2], fd;

	ASSERT_EQ(0, pipe(ends));
	memset(self->map, 'p', page_size());
	ASSERT_EQ(page_size(), vmsplice(ends[1], &iov, 1, 0));
	munmap(self->map, SIZE);
	for (fd = 3; fd < 64; fd++)
		if (fd != ends[0] && fd != ends[1])
			close(fd);
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(page_size(), read(ends[0], back, page_size()));
	EXPECT_EQ('p', back[0]);
	ASSERT_EQ(0, module_load(""));
}

TEST_HARNESS_MAIN
