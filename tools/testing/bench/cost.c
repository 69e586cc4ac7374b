// SPDX-License-Identifier: GPL-2.0-only
/*
 * Weighs the kernel memory that goes with shared memory beyond its pages:
 *
 *   cost used                   all that is in use: bytes of slab objects, of
 *                               others, and pages in files
 *   cost region PEER SIZE COUNT what a region of SIZE bytes takes, once it has its
 *                               pages; of xxshm, on top of the idle instance
 *   cost file PEER              what one more open file of a region takes
 *   cost mapping PEER           what a mapping of a page takes that nobody touches
 *
 * The last three print object, size, peer, how many there were and bytes for one. To
 * be run as root in the deterministic virtual machine, by ./guest.
 */
#include <sys/resource.h>

#include "kmem.h"
#include "peers.h"

#define MANY	1000

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make(const struct peer *peer, size_t size, int round)
{
	int fd = peer->make(size, round);

	if (fd < 0)
		fail(peer->name);
	return fd;
}

/* A table for so many descriptors is there before any of them is weighed. */
static void enlarge_file_table(void)
{
	struct rlimit limit = { 2 * MANY, 2 * MANY };

	if (setrlimit(RLIMIT_NOFILE, &limit) || dup2(0, 2 * MANY - 1) < 0)
		fail("descriptors");
	close(2 * MANY - 1);
}

static long weigh(struct kmem before)
{
	struct kmem now = kmem_now();

	return now.slab + now.other - before.slab - before.other;
}

static void fill(int fd, size_t size)
{
	struct region region = { .size = size, .fd = fd };
	char *p = region_map(&region);

	if (p == MAP_FAILED)
		fail("mmap");
	region_touch(&region, p, PAGE);
	region_unmap(&region, p);
}

/* A window keeps its pages when its file is closed, others have to stay open. */
static long weigh_regions(const struct peer *peer, size_t size, int count)
{
	struct kmem before = kmem_now();

	for (int i = 0; i < count; i++) {
		int fd = make(peer, size, i);

		fill(fd, size);
		if (peer->make == make_xxshm)
			close(fd);
	}
	return weigh(before);
}

static long weigh_files(const struct peer *peer)
{
	struct kmem before;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", make(peer, PAGE, 0));
	/* The first one makes names that the kernel remembers. */
	close(open(path, O_RDWR));
	before = kmem_now();
	for (int i = 0; i < MANY; i++)
		if (open(path, O_RDWR) < 0)
			fail(path);
	return weigh(before);
}

/* All of the same page, one beside the other: they cannot become one mapping. */
static long weigh_mappings(const struct peer *peer)
{
	int fd = make(peer, PAGE, 0);
	struct kmem before;

	fill(fd, PAGE);
	before = kmem_now();
	for (int i = 1; i <= MANY; i++)
		if (mmap(NEIGHBOUR + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) == MAP_FAILED)
			fail("mmap");
	return weigh(before);
}

static void print(const char *object, const struct peer *peer, size_t size, int count,
		  long bytes)
{
	printf("%s,%zu,%s,%d,%.0f,\n", object, size, peer->name, count,
	       (double)bytes / count);
}

static void print_used(void)
{
	struct kmem now = kmem_now();

	printf("%ld %ld %ld\n", now.slab, now.other, now.pages);
}

int main(int argc, char **argv)
{
	const char *object = argc > 1 ? argv[1] : "";
	const struct peer *peer = argc > 2 ? peer_of(argv[2]) : NULL;
	size_t size = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	int count = argc > 4 ? atoi(argv[4]) : 0;

	enlarge_file_table();
	region_warm_tables();
	if (!strcmp(object, "used")) {
		print_used();
	} else if (!strcmp(object, "region") && peer && size && count) {
		print(object, peer, size, count, weigh_regions(peer, size, count));
	} else if (!strcmp(object, "file") && peer) {
		print(object, peer, PAGE, MANY, weigh_files(peer));
	} else if (!strcmp(object, "mapping") && peer) {
		print(object, peer, PAGE, MANY, weigh_mappings(peer));
	} else {
		fprintf(stderr, "usage: cost used | region|file|mapping PEER [SIZE COUNT]\n");
		return 2;
	}
	return 0;
}
