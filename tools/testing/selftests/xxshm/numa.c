// SPDX-License-Identifier: GPL-2.0-only
/* The NUMA node of a window's pages: a process may choose it. */
#include <linux/mempolicy.h>

#include "device.h"
#include "harness.h"

#define WINDOW	(8UL << 20)

static int allocate_on(int node)
{
	unsigned long nodes = 1UL << node;

	return syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes));
}

static int bind_range(char *start, size_t len, int node, int flags)
{
	unsigned long nodes = 1UL << node;

	return syscall(SYS_mbind, start, len, MPOL_BIND, &nodes, 8 * sizeof(nodes),
		       flags);
}

/* The bytes of the mapping at @start that lie on a node. */
static long bytes_on(const char *start, int node)
{
	char line[512], key[16], *at;
	long pages = 0;
	FILE *f = fopen("/proc/self/numa_maps", "r");

	snprintf(key, sizeof(key), " N%d=", node);
	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, key);
		if (at && strtoul(line, NULL, 16) == (unsigned long)start)
			pages = atol(at + strlen(key));
	}
	if (f)
		fclose(f);
	return pages * (long)page_size();
}

FIXTURE(window) {
	int fd;
	char *map;
};

FIXTURE_VARIANT(window) {
	const char *parameters;
	int is_pageable;
};

FIXTURE_VARIANT_ADD(window, locked) {
	.parameters = "size=8M", .is_pageable = 0
};

FIXTURE_VARIANT_ADD(window, pageable) {
	.parameters = "size=8M pageable=1", .is_pageable = 1
};

/* The first process wants all its memory on node 1. */
FIXTURE_SETUP(window)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "this machine has one node");
	ASSERT_EQ(0, stop_balancing());
	ASSERT_EQ(0, module_load(variant->parameters));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_EQ(0, allocate_on(1));
	self->map = map_rw(self->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN_PARENT(window)
{
	EXPECT_EQ(0, module_unload());
}

/* The first process to map a locked window allocates all of it, and decides. */
TEST_F(window, is_where_who_takes_the_pages_says)
{
	long half = WINDOW / 2, other = variant->is_pageable ? half : 0;

	memset(self->map, '1', half);
	ASSERT_EQ(0, allocate_on(0));
	memset(self->map + half, '0', half);
	EXPECT_EQ(other, bytes_on(self->map, 0));
	EXPECT_EQ(2 * half - other, bytes_on(self->map, 1));
}

/* The policy of a part of a store is for all users, as for each file of tmpfs. */
TEST_F(window, is_where_its_mapping_says_if_it_has_no_pages_yet)
{
	long half = WINDOW / 2, moved = variant->is_pageable ? half : 0;
	pid_t pid;

	ASSERT_EQ(0, bind_range(self->map, half, 0, 0));
	pid = fork();
	if (!pid) {
		memset(map_rw(self->fd, WINDOW), 'c', WINDOW);
		_exit(0);
	}
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EQ('c', self->map[0]);
	memset(self->map, 'p', WINDOW);
	EXPECT_EQ(moved, bytes_on(self->map, 0));
	EXPECT_EQ(half - moved, bytes_on(self->map, 1));
	EXPECT_EQ(half, bytes_on(self->map + half, 1));
}

TEST_F(window, moves_with_all_its_bytes)
{
	size_t i, page = page_size(), wrong = 0;

	for (i = 0; i < WINDOW; i += page)
		*(size_t *)(self->map + i) = i;
	ASSERT_EQ(0, bind_range(self->map, WINDOW, 0, MPOL_MF_MOVE | MPOL_MF_STRICT));
	for (i = 0; i < WINDOW; i += page)
		wrong += *(size_t *)(self->map + i) != i;
	EXPECT_EQ(0, wrong);
	EXPECT_EQ((long)WINDOW, bytes_on(self->map, 0));
	EXPECT_EQ(0, bytes_on(self->map, 1));
}

#define EXPECT_BIND_ERRNO(expected, start, len, node, flags) do {	\
	EXPECT_EQ(-1, bind_range(start, len, node, flags));		\
	EXPECT_EQ(expected, errno);					\
} while (0)

TEST_F(window, mbind_that_does_not_fit)
{
	memset(self->map, '1', WINDOW);
	EXPECT_BIND_ERRNO(EIO, self->map, WINDOW, 0, MPOL_MF_STRICT);
	EXPECT_BIND_ERRNO(EINVAL, self->map, WINDOW, 2, 0);
	EXPECT_BIND_ERRNO(EINVAL, self->map, WINDOW, 0, 64);
	EXPECT_BIND_ERRNO(EINVAL, self->map + 1, WINDOW, 0, 0);
	ASSERT_EQ(0, setuid(65534));
	EXPECT_BIND_ERRNO(EPERM, self->map, WINDOW, 0, MPOL_MF_MOVE_ALL);
	ASSERT_EQ(0, munmap(self->map, WINDOW));
	EXPECT_BIND_ERRNO(EFAULT, self->map, WINDOW, 0, 0);
}

TEST_HARNESS_MAIN
