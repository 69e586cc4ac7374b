// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other process of a test, built for every data model: it opens the device
 * by name, as an unrelated program would.
 *
 *   peer read OFFSET          exits with the byte that it finds
 *   peer write OFFSET VALUE   exits with 0
 *
 * It exits with 255 when it cannot map the page at OFFSET.
 */
#include "device.h"

int main(int argc, char **argv)
{
	size_t size = page_size();
	off_t offset;
	char *map;
	int fd;

	if (argc < 3)
		return 255;
	offset = atol(argv[2]);
	fd = open(DEVICE, O_RDWR);
	map = map_device(fd, size, PROT_READ | PROT_WRITE, offset / size * size);
	if (map == MAP_FAILED)
		return 255;
	if (argc == 3)
		return (unsigned char)map[offset % size];
	map[offset % size] = atoi(argv[3]);
	return 0;
}
