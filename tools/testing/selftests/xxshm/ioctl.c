// SPDX-License-Identifier: GPL-2.0-only
/* The ioctl and lseek: their results, and every malformed call. */
#include "device.h"
#include "harness.h"

#define WINDOW	(16 << 10)
#define BUFFER	512	/* bytes, more than the structure will ever have */

FIXTURE(device) {
	int fd;
	/* A struct xxshm_info at the end of the last mapped page. */
	struct xxshm_info *edge;
};

FIXTURE_SETUP(device)
{
	size_t page = page_size();
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + page, page));
	self->edge = (struct xxshm_info *)(pages + page) - 1;
	ASSERT_EQ(0, module_load("size=16K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, module_unload());
}

/* XXSHM_IOC_INFO as a program built for a structure of @size bytes calls it. */
static int info_of_size(int fd, void *arg, size_t size)
{
	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, XXSHM_IOC_TYPE, 0, size),
		     arg);
}

TEST_F(device, info_says_what_this_is)
{
	struct xxshm_info info = {};

	ASSERT_EQ(0, ioctl(self->fd, XXSHM_IOC_INFO, &info));
	EXPECT_EQ(WINDOW, info.window_size);
	EXPECT_EQ(page_size(), info.page_size);
	EXPECT_EQ(OWN_MODEL, info.model);
	EXPECT_EQ(is_pageable() ? XXSHM_BACKING_PAGEABLE : XXSHM_BACKING_LOCKED,
		  info.backing);
	EXPECT_EQ(0, info.flags);
}

/* All of it. */
TEST_F(device, info_says_when_the_window_is_allocated)
{
	struct xxshm_info info = {};

	ASSERT_NE(MAP_FAILED, map_rw(self->fd, page_size()));
	ASSERT_EQ(0, ioctl(self->fd, XXSHM_IOC_INFO, &info));
	EXPECT_EQ(if_locked(XXSHM_INFO_ALLOCATED), info.flags);
}

TEST_F(device, info_allocates_nothing)
{
	EXPECT_EQ(0, is_allocated(self->fd));
	EXPECT_EQ(0, is_allocated(self->fd));
}

TEST_F(device, info_ignores_what_the_structure_holds)
{
	struct xxshm_info info;

	memset(&info, 0xff, sizeof(info));
	ASSERT_EQ(0, ioctl(self->fd, XXSHM_IOC_INFO, &info));
	EXPECT_EQ(WINDOW, info.window_size);
	EXPECT_EQ(0, info.flags);
}

TEST_F(device, info_works_on_a_read_only_descriptor)
{
	struct xxshm_info info = {};

	EXPECT_EQ(0, ioctl(open(DEVICE, O_RDONLY), XXSHM_IOC_INFO, &info));
}

TEST_F(device, exact_size_touches_nothing_beyond)
{
	EXPECT_EQ(0, info_of_size(self->fd, self->edge, sizeof(*self->edge)));
	EXPECT_EQ(WINDOW, self->edge->window_size);
}

TEST_F(device, short_size_is_einval)
{
	struct xxshm_info info = { .model = 77 };

	EXPECT_EQ(-1, info_of_size(self->fd, &info, XXSHM_INFO_SIZE_VER0 - 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, info_of_size(self->fd, &info, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(77, info.model);
}

TEST_F(device, long_size_with_zeroes_works)
{
	char bytes[sizeof(struct xxshm_info) + 40] = {};
	struct xxshm_info *info = (void *)bytes;

	EXPECT_EQ(0, info_of_size(self->fd, bytes, sizeof(bytes)));
	EXPECT_EQ(WINDOW, info->window_size);
	EXPECT_EQ(0, bytes[sizeof(*info)]);
	EXPECT_EQ(0, bytes[sizeof(bytes) - 1]);
}

TEST_F(device, long_size_with_garbage_is_e2big)
{
	char bytes[sizeof(struct xxshm_info) + 40] = {};
	struct xxshm_info *info = (void *)bytes;

	bytes[sizeof(bytes) - 1] = 1;
	EXPECT_EQ(-1, info_of_size(self->fd, bytes, sizeof(bytes)));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(0, info->window_size);
}

/* A byte that the kernel does not write would keep the filling, or leak data. */
static int info_after(int fd, char *bytes, int filling, size_t size)
{
	size_t known = sizeof(struct xxshm_info);

	memset(bytes, filling, BUFFER);
	if (size > known)
		memset(bytes + known, 0, size - known);
	return info_of_size(fd, bytes, size);
}

TEST_F(device, every_byte_of_info_is_written_and_none_behind_it)
{
	size_t size, known = sizeof(struct xxshm_info);
	char a[BUFFER], b[BUFFER];

	ASSERT_NE(MAP_FAILED, map_rw(self->fd, page_size()));
	for (size = XXSHM_INFO_SIZE_VER0; size < BUFFER / 2; size++) {
		char rest[BUFFER] = {};

		ASSERT_EQ(0, info_after(self->fd, a, 0xa5, size));
		ASSERT_EQ(0, info_after(self->fd, b, 0x5a, size));
		EXPECT_EQ(0, memcmp(a, b, size > known ? size : known));
		EXPECT_EQ(0, memcmp(a + known, rest, size - known));
		memset(rest, 0xa5, BUFFER);
		EXPECT_EQ(0, memcmp(a + size, rest, BUFFER - size));
	}
}

TEST_F(device, bad_pointer_is_efault)
{
	EXPECT_EQ(-1, ioctl(self->fd, XXSHM_IOC_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, XXSHM_IOC_INFO, (char *)self->edge + 1));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(device, read_only_memory_is_efault)
{
	size_t page = page_size();
	void *start = (void *)((unsigned long)self->edge / page * page);

	ASSERT_EQ(0, mprotect(start, page, PROT_READ));
	EXPECT_EQ(-1, ioctl(self->fd, XXSHM_IOC_INFO, self->edge));
	EXPECT_EQ(EFAULT, errno);
}

/* A short size is reported before a bad pointer. */
TEST_F(device, size_is_checked_before_the_pointer)
{
	EXPECT_EQ(-1, info_of_size(self->fd, NULL, 8));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(device, unknown_commands_are_enotty)
{
	struct xxshm_info info = {};
	unsigned int unknown[] = {
		_IOWR(XXSHM_IOC_TYPE, 0x01, struct xxshm_info),
		_IOWR(XXSHM_IOC_TYPE, 0xff, struct xxshm_info),
		_IOWR(XXSHM_IOC_TYPE + 1, 0x00, struct xxshm_info),
		_IOR(XXSHM_IOC_TYPE, 0x00, struct xxshm_info),
		_IOW(XXSHM_IOC_TYPE, 0x00, struct xxshm_info),
		_IO(XXSHM_IOC_TYPE, 0x00), 0x00, 0xff, ~0U,
	};
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		EXPECT_EQ(-1, ioctl(self->fd, unknown[i], &info));
		EXPECT_EQ(ENOTTY, errno)
			TH_LOG("command %#x", unknown[i]);
	}
}

TEST_F(device, lseek_end_is_the_window_size)
{
	EXPECT_EQ(WINDOW, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(4096, lseek(self->fd, 4096, SEEK_CUR));
	EXPECT_EQ(0, is_allocated(self->fd));
}

TEST_F(device, lseek_outside_is_einval)
{
	EXPECT_EQ(-1, lseek(self->fd, -1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->fd, 1, SEEK_END));
	EXPECT_EQ(EINVAL, errno);
}

TEST_HARNESS_MAIN
