// SPDX-License-Identifier: GPL-2.0-only
/* When the module may be unloaded. */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "descriptor.h"
#include "device.h"
#include "harness.h"

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

/* Receives the events that the kernel sends to udev. */
static int listen_to_uevents(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	return bind(fd, (struct sockaddr *)&all, sizeof(all)) ? -1 : fd;
}

/* Count the events of each of two devices; returns the number of other events. */
static int hear(int socket, const char *action, int *heard)
{
	static const char subsystem[] = "SUBSYSTEM=xxshm";
	char text[4096], what[16];
	int others = 0, device;
	ssize_t len;

	while ((len = recv(socket, text, sizeof(text), 0)) > 0) {
		if (!memmem(text, len, subsystem, sizeof(subsystem)))
			continue;
		if (sscanf(text, "%15[a-z]@/devices/virtual/xxshm/xxshm%d",
			   what, &device) == 2 &&
		    !strcmp(what, action) && (device == 0 || device == 1))
			heard[device]++;
		else
			others++;
	}
	return others;
}

#define EXPECT_HEARD(socket, action)					\
do {									\
	int heard[2] = {};						\
									\
	EXPECT_EQ(0, hear(socket, action, heard));			\
	EXPECT_EQ(1, heard[0]);						\
	EXPECT_EQ(1, heard[1]);						\
} while (0)

/* A second event would mean that the first came before the device could be opened. */
TEST_F(loaded, udev_hears_once_of_each_device)
{
	int socket = listen_to_uevents();

	ASSERT_GE(socket, 0);
	close(self->fd);
	ASSERT_EQ(0, module_unload());
	EXPECT_HEARD(socket, "remove");
	ASSERT_EQ(0, module_load("instances=2"));
	EXPECT_HEARD(socket, "add");
}

TEST_F(loaded, fifty_rounds)
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

/* Neither a descriptor nor a mapping anywhere: a message that nobody reads. */
TEST_F(loaded, descriptor_on_its_way_keeps_it)
{
	int pair[2], fd;
	char *map;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, send_descriptor(pair[0], self->fd));
	close(self->fd);
	EXPECT_EQ(-1, module_unload());
	EXPECT_EQ(EAGAIN, errno);
	fd = receive_descriptor(pair[1]);
	ASSERT_GE(fd, 0);
	map = map_rw(fd, page_size());
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	munmap(map, page_size());
	close(fd);
	EXPECT_EQ(0, module_unload());
}

/* A socket that is in a message to itself goes when the kernel collects it. */
TEST_F(loaded, descriptor_in_a_lost_message_lets_it_go)
{
	int pair[2], i;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, send_descriptor(pair[0], self->fd));
	ASSERT_EQ(0, send_descriptor(pair[0], pair[1]));
	close(self->fd);
	close(pair[0]);
	close(pair[1]);
	for (i = 0; i < 1000 && module_unload(); i++) {
		/* Closing another socket of the family makes the kernel look for lost ones. */
		close(socket(AF_UNIX, SOCK_STREAM, 0));
		usleep(10000);
	}
	EXPECT_NE(0, access("/sys/module/" MODULE, F_OK));
}

TEST_HARNESS_MAIN
