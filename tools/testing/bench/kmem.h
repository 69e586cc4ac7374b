/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel memory: how much of it is in use, to the byte.
 *
 * /proc/slabinfo takes every object of a slab that a processor has at hand for one in
 * use. So the caches are shrunk before they are read: then no processor has any.
 */
#ifndef _BENCH_KMEM_H
#define _BENCH_KMEM_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

struct kmem {
	long slab;	/* bytes of objects */
	long other;	/* bytes: page tables, per-CPU memory, vmalloc, stacks */
	long pages;	/* in files, devices and regions among them */
};

static inline FILE *kmem_open(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

/* Other names of a cache are links to it. */
static inline void kmem_shrink(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[sizeof(entry->d_name) + 32];
		int fd;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", entry->d_name);
		fd = open(path, O_WRONLY);
		if (fd < 0 || write(fd, "1", 1) != 1)
			perror(path);
		close(fd);
	}
	closedir(dir);
}

static inline long kmem_slab(void)
{
	FILE *file = kmem_open("/proc/slabinfo");
	long sum = 0, objects, size;
	char line[512];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %ld %*d %ld", &objects, &size) == 2)
			sum += objects * size;
	fclose(file);
	return sum;
}

/* The sum of those lines of @path that begin with one of @names. */
static inline long kmem_sum(const char *path, const char *const *names)
{
	FILE *file = kmem_open(path);
	char line[512];
	long sum = 0;

	while (fgets(line, sizeof(line), file))
		for (int i = 0; names[i]; i++)
			if (!strncmp(line, names[i], strlen(names[i])))
				sum += atol(line + strlen(names[i]));
	fclose(file);
	return sum;
}

static inline struct kmem kmem_read(void)
{
	static const char *const other[] = {
		"KernelStack:", "PageTables:", "VmallocUsed:", "Percpu:", NULL
	};
	static const char *const pages[] = { "nr_file_pages ", NULL };
	struct kmem now;

	kmem_shrink();
	now.slab = kmem_slab();
	now.other = kmem_sum("/proc/meminfo", other) * 1024;
	now.pages = kmem_sum("/proc/vmstat", pages);
	return now;
}

/*
 * In the end what was put off is freed, and what reading takes is there. Fewer times
 * give other numbers each time.
 */
static inline struct kmem kmem_now(void)
{
	struct kmem now;

	for (int i = 0; i < 12; i++) {
		for (int j = 0; j < 25; j++)
			clock_settle();
		now = kmem_read();
	}
	return now;
}

#endif
