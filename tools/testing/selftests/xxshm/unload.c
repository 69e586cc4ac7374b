// SPDX-License-Identifier: GPL-2.0-only
/* When the module may go. */
#include "kselftest_harness.h"
#include "device.h"

FIXTURE(loaded) {
	int fd;
};

FIXTURE_SETUP(loaded)
{
	ASSERT_EQ(0, module_load("instances=2"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(loaded)
{
	module_unload();
}

TEST_F(loaded, open_descriptor_keeps_it)
{
	EXPECT_EQ(-1, module_unload());
	EXPECT_EQ(EAGAIN, errno);
	close(self->fd);
	EXPECT_EQ(0, module_unload());
}

TEST_F(loaded, mapping_without_a_descriptor_keeps_it)
{
	char *map = map_rw(self->fd, page_size());

	ASSERT_NE(MAP_FAILED, map);
	close(self->fd);
	EXPECT_EQ(-1, module_unload());
	EXPECT_EQ(EAGAIN, errno);
	map[0] = 1;
	munmap(map, page_size());
	EXPECT_EQ(0, module_unload());
}

/* A piece of a mapping is a mapping. */
TEST_F(loaded, rest_of_a_moved_mapping_keeps_it)
{
	size_t page = page_size();
	char *map = map_rw(self->fd, page);
	char *to = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_EQ(to, mremap(map, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	close(self->fd);
	EXPECT_EQ(-1, module_unload());
	munmap(to, page);
	EXPECT_EQ(0, module_unload());
}

TEST_F(loaded, mapping_of_a_child_keeps_it)
{
	char *map = map_rw(self->fd, page_size());
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	pid = fork();
	if (!pid) {
		close(self->fd);
		pause();
	}
	munmap(map, page_size());
	close(self->fd);
	EXPECT_EQ(-1, module_unload());
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_for(pid));
	EXPECT_EQ(0, module_unload());
}

TEST_F(loaded, refused_mapping_does_not_keep_it)
{
	ASSERT_EQ(MAP_FAILED, map_rw(self->fd, 2 * page_size()));
	close(self->fd);
	EXPECT_EQ(0, module_unload());
}

TEST_F(loaded, nodes_and_class_go_with_it)
{
	EXPECT_EQ(0, access("/sys/class/xxshm/xxshm1/dev", F_OK));
	close(self->fd);
	ASSERT_EQ(0, module_unload());
	EXPECT_EQ(-1, access("/dev/xxshm0", F_OK));
	EXPECT_EQ(-1, access("/dev/xxshm1", F_OK));
	EXPECT_EQ(-1, access("/sys/class/xxshm", F_OK));
}

TEST_F(loaded, contents_go_with_it)
{
	char *map = map_rw(self->fd, page_size());

	memset(map, 'x', page_size());
	munmap(map, page_size());
	close(self->fd);
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_load(""));
	map = map_rw(open(DEVICE, O_RDWR), page_size());
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, map[0]);
}

TEST_F_TIMEOUT(loaded, fifty_rounds, 120)
{
	int i;

	close(self->fd);
	for (i = 0; i < 50; i++) {
		char *map;

		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load("instances=16"));
		self->fd = open(DEVICE, O_RDWR);
		map = map_rw(self->fd, page_size());
		ASSERT_NE(MAP_FAILED, map);
		map[0] = 1;
		munmap(map, page_size());
		close(self->fd);
	}
}

/* Open it as soon as it is there, again and again; each time it is whole. */
static void open_for_ever(void)
{
	for (;;) {
		int fd = open(DEVICE, O_RDWR);
		char *map;

		if (fd < 0)
			continue;
		map = map_rw(fd, page_size());
		if (map == MAP_FAILED || *map)
			_exit(1);
		*map = 1;
		*map = 0;
		munmap(map, page_size());
		close(fd);
	}
}

TEST_F_TIMEOUT(loaded, opening_while_it_goes_finds_all_of_it_or_nothing, 300)
{
	pid_t pid = fork();
	int i;

	if (!pid) {
		close(self->fd);
		open_for_ever();
	}
	close(self->fd);
	for (i = 0; i < 20; i++) {
		while (module_unload())
			ASSERT_EQ(EAGAIN, errno);
		ASSERT_EQ(0, module_load(""));
	}
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
}

TEST_HARNESS_MAIN
