// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows whose size does not fit into 31 bits. A 32-bit program without large-file
 * support gets the right number or EOVERFLOW, never a wrong number. It may open and map
 * the device.
 */
#include "device.h"
#include "harness.h"

#define GIB		0x40000000LL
#define MAX_SMALL	0x7fffffffLL

#define EXPECT_ERRNO(expected, call) do {	\
	errno = 0;				\
	EXPECT_EQ(-1, (call));			\
	EXPECT_EQ(expected, errno);		\
} while (0)

FIXTURE(large) {
	long long size;
	int fd;			/* opened for large files */
	int small;		/* not, if this data model has a choice */
};

FIXTURE_VARIANT(large) {
	const char *parameters;
	long long size;
};

FIXTURE_VARIANT_ADD(large, of_4_gib) {
	.parameters = "pageable=1 size=4G", .size = 4 * GIB,
};

FIXTURE_VARIANT_ADD(large, of_2_gib) {
	.parameters = "pageable=1 size=2G", .size = 2 * GIB,
};

FIXTURE_VARIANT_ADD(large, of_just_less) {
	.parameters = "pageable=1 size=2147479552", .size = 2 * GIB - 4096,
};

FIXTURE_SETUP(large)
{
	self->size = variant->size;
	ASSERT_EQ(0, module_load(variant->parameters));
	self->fd = open64(DEVICE, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->small = syscall(SYS_open, DEVICE, O_RDWR);
	ASSERT_LE(0, self->small);
}

FIXTURE_TEARDOWN_PARENT(large)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(large, is_told_in_64_bits)
{
	struct stat64 st;

	ASSERT_EQ(0, fstat64(self->fd, &st));
	EXPECT_EQ(self->size, st.st_size);
	EXPECT_EQ(self->size, lseek64(self->fd, 0, SEEK_END));
	EXPECT_EQ(self->size, lseek64(self->fd, 0, SEEK_CUR));
}

/* The offset of mmap2(2) is in pages: no large files are needed for it. */
TEST_F(large, maps_to_its_end)
{
	__u64 last = self->size / page_size() - 1;
	char *map = map_pgoff(self->small, page_size(), last);

	ASSERT_NE(MAP_FAILED, map);
	*map = 'l';
	EXPECT_EQ('l', *map_pgoff(self->fd, page_size(), last));
	EXPECT_EQ(MAP_FAILED, map_pgoff(self->small, page_size(), last + 1));
	EXPECT_EQ(ENXIO, errno);
}

#ifdef SYS__llseek	/* ia32 */

/* The size that the call without large-file support fills in. */
static long long small_fstat(int fd)
{
	__u32 st[16] = {};

	return syscall(SYS_fstat, fd, st) ? -1LL : st[5];
}

static long long small_lseek(int fd, long offset, int whence)
{
	return syscall(SYS_lseek, fd, offset, whence);
}

static long long large_lseek(int fd, long long offset, int whence)
{
	long long at;

	return syscall(SYS__llseek, fd, (long)(offset >> 32), (long)offset, &at,
		       whence) ? -1 : at;
}

TEST_F(large, is_never_told_wrong_in_31_bits)
{
	if (self->size <= MAX_SMALL) {
		EXPECT_EQ(self->size, small_fstat(self->small));
		EXPECT_EQ(self->size, small_lseek(self->small, 0, SEEK_END));
		EXPECT_EQ(self->size, large_lseek(self->small, 0, SEEK_END));
	} else {
		EXPECT_ERRNO(EOVERFLOW, small_fstat(self->small));
		EXPECT_ERRNO(EOVERFLOW, small_lseek(self->small, 0, SEEK_END));
		EXPECT_ERRNO(EOVERFLOW, large_lseek(self->small, 0, SEEK_END));
	}
	EXPECT_EQ(self->size, large_lseek(self->fd, 0, SEEK_END));
}

/* The C library's own calls, without large files and with them. */
TEST_F(large, is_never_told_wrong_by_the_c_library)
{
	int fd = open(DEVICE, O_RDWR);
	struct stat st;

	if (self->size <= MAX_SMALL) {
		EXPECT_EQ(self->size, lseek(fd, 0, SEEK_END));
		ASSERT_EQ(0, fstat(fd, &st));
		EXPECT_EQ(self->size, st.st_size);
	} else {
		EXPECT_ERRNO(EOVERFLOW, lseek(fd, 0, SEEK_END));
		EXPECT_ERRNO(EOVERFLOW, fstat(fd, &st));
	}
}

/* The position does not change if the program cannot be told. */
TEST_F(large, position_stays_where_it_can_be_told)
{
	long long last = self->size > MAX_SMALL ? MAX_SMALL : self->size;
	int past = self->size > MAX_SMALL ? EOVERFLOW : EINVAL;

	EXPECT_EQ(last, small_lseek(self->small, last, SEEK_SET));
	EXPECT_ERRNO(past, small_lseek(self->small, 1, SEEK_CUR));
	EXPECT_ERRNO(past, large_lseek(self->small, last + 1, SEEK_SET));
	EXPECT_ERRNO(EINVAL, large_lseek(self->small, self->size + 1, SEEK_SET));
	EXPECT_ERRNO(EINVAL, small_lseek(self->small, -1, SEEK_SET));
	EXPECT_ERRNO(EINVAL, small_lseek(self->small, 0, SEEK_DATA));
	EXPECT_EQ(last, small_lseek(self->small, 0, SEEK_CUR));
}

#else

/* This data model has one open(2) only: for large files. */
TEST_F(large, is_told_whoever_opens_it)
{
	struct stat st;

	EXPECT_EQ(self->size, lseek(self->small, 0, SEEK_END));
	ASSERT_EQ(0, fstat(self->small, &st));
	EXPECT_EQ(self->size, st.st_size);
}

#endif

TEST_HARNESS_MAIN
