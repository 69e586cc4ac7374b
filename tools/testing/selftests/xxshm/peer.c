// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other process of a test, built for every data model: it opens the device
 * by name, as an unrelated program would.
 *
 *   peer read OFFSET          exits with the byte that it finds
 *   peer write OFFSET VALUE   exits with 0
 *   peer inherit OFFSET FD    as read, of a descriptor that it was born with
 *   peer take OFFSET FD       as read, of a descriptor of its parent
 *   peer receive OFFSET FD    as read, of one in a message from this socket
 *
 * It exits with 255 when it cannot map the page at OFFSET.
 */
#include "descriptor.h"
#include "device.h"

static int get_device(const char *verb, const char *value)
{
	if (!strcmp(verb, "inherit"))
		return atoi(value);
	if (!strcmp(verb, "take"))
		return syscall(SYS_pidfd_getfd,
			       syscall(SYS_pidfd_open, getppid(), 0),
			       atoi(value), 0);
	if (!strcmp(verb, "receive"))
		return receive_descriptor(atoi(value));
	return open(node(), O_RDWR);
}

int main(int argc, char **argv)
{
	size_t size = page_size();
	off_t offset;
	char *map;
	int fd;

	if (argc < 3)
		return 255;
	offset = atol(argv[2]);
	fd = get_device(argv[1], argv[3]);
	map = map_device(fd, size, PROT_READ | PROT_WRITE, offset / size * size);
	if (map == MAP_FAILED)
		return 255;
	if (strcmp(argv[1], "write"))
		return (unsigned char)map[offset % size];
	map[offset % size] = atoi(argv[3]);
	return 0;
}
