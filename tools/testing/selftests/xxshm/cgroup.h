/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory cgroups of tests, and their charges. */
#ifndef _SELFTESTS_XXSHM_CGROUP_H
#define _SELFTESTS_XXSHM_CGROUP_H

#include "device.h"

#define CGROUPS	"/sys/fs/cgroup"
#define OURS	CGROUPS "/xxshm-test"
#define OTHER	CGROUPS "/xxshm-other"

/* The charge of a cgroup, in bytes, for a key of memory.stat. */
static inline long cgroup_stat(const char *cgroup, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/memory.stat", cgroup);
	return read_number(path, key);
}

/* memory.stat may lag by some hundred pages, until something else happens. */
#define STAT_LAG	(2L << 20)

/* Is it charged this many bytes, for that key? */
static inline int cgroup_pays_for(const char *cgroup, const char *key, long bytes)
{
	return cgroup_stat(cgroup, key) > bytes - STAT_LAG;
}

/* A cgroup becomes empty some time after its last process is reaped. */
static inline int cgroup_remove(const char *cgroup)
{
	int i, ret = -1;

	for (i = 0; i < 100 && ret; i++) {
		ret = rmdir(cgroup);
		if (ret)
			usleep(10000);
	}
	return ret;
}

/* A memory cgroup that is new. */
static inline int cgroup_make(const char *cgroup)
{
	rmdir(cgroup);
	return write_file(CGROUPS "/cgroup.subtree_control", "+memory") ||
	       mkdir(cgroup, 0755);
}

/* Put a process there; 0 is the calling one. */
static inline int cgroup_move(const char *cgroup, pid_t pid)
{
	char path[64], number[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(number, sizeof(number), "%d", pid);
	return write_file(path, number);
}

static inline int cgroup_enter(const char *cgroup)
{
	return cgroup_move(cgroup, 0);
}

/*
 * A child in a cgroup maps a window of this many bytes, touches a part of it, and exits:
 * with 0 if both succeed.
 */
static inline int touch_in(const char *cgroup, int fd, size_t window, size_t from,
			   size_t len)
{
	pid_t pid = fork();

	if (!pid) {
		char *map;

		if (cgroup_enter(cgroup))
			_exit(2);
		map = map_rw(fd, window);
		if (map == MAP_FAILED)
			_exit(1);
		memset(map + from, 'c', len);
		_exit(0);
	}
	return wait_for(pid);
}

#endif /* _SELFTESTS_XXSHM_CGROUP_H */
