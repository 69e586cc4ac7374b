/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The peers: what programs may use to share memory. Each makes new, empty memory.
 */
#ifndef _BENCH_PEERS_H
#define _BENCH_PEERS_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/memfd.h>

#include "region.h"

struct peer {
	const char *name;
	/* Returns a descriptor, or -1 and errno; @round is from 0 on. */
	int (*make)(size_t size, int round);
	int map_flags;
	size_t granule;	/* sizes are multiples of this */
	int once;	/* another mapping is another region */
};

static int sized(int fd, size_t size)
{
	if (fd < 0 || !ftruncate(fd, size))
		return fd;
	close(fd);
	return -1;
}

/* A window stays until the module goes: each round takes another device. */
static int make_xxshm(size_t size, int round)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/xxshm%d", round);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int make_memfd(size_t size, int round)
{
	return sized(memfd_create("bench", MFD_CLOEXEC), size);
}

static int make_hugetlb(size_t size, int round)
{
	return sized(memfd_create("bench", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB),
		     size);
}

/* They are mounted by ./guest. */
static int make_tmpfs_huge(size_t size, int round)
{
	return sized(open("/tmp/huge", O_TMPFILE | O_RDWR, 0600), size);
}

static int make_tmpfs(size_t size, int round)
{
	return sized(open("/tmp/plain", O_TMPFILE | O_RDWR, 0600), size);
}

static int make_zero(size_t size, int round)
{
	return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int make_bpf(size_t size, int round)
{
	union bpf_attr attr = {
		.map_type	= BPF_MAP_TYPE_ARRAY,
		.key_size	= 4,
		.value_size	= PAGE,
		.max_entries	= size / PAGE,
		.map_flags	= BPF_F_MMAPABLE,
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int make_secret(size_t size, int round)
{
	return sized(syscall(SYS_memfd_secret, 0), size);
}

/* ./report knows them by these names too. */
static const struct peer peers[] = {
	{ .name = "locked", .make = make_xxshm },
	{ .name = "pageable", .make = make_xxshm },
	{ .name = "memfd", .make = make_memfd },
	{ .name = "memfd-populate", .make = make_memfd, .map_flags = MAP_POPULATE },
	{ .name = "hugetlb", .make = make_hugetlb, .granule = HUGE },
	{ .name = "tmpfs-huge", .make = make_tmpfs_huge },
	{ .name = "zero", .make = make_zero, .once = 1 },
	{ .name = "bpf", .make = make_bpf },
	{ .name = "secret", .make = make_secret },
	{ .name = "memfd-always", .make = make_memfd },
	{ .name = "tmpfs-always", .make = make_tmpfs },
	{ .name = NULL }
};

static inline const struct peer *peer_of(const char *name)
{
	for (const struct peer *peer = peers; peer->name; peer++)
		if (!strcmp(peer->name, name))
			return peer;
	return NULL;
}

#endif
