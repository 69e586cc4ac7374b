/* SPDX-License-Identifier: GPL-2.0-only */
/* A window that nobody has mapped yet, and processes that map a page of it. */
#ifndef _SELFTESTS_XXSHM_FIRST_H
#define _SELFTESTS_XXSHM_FIRST_H

#include "device.h"

#define WINDOW	(64UL << 20)

/* Memory that all processes of a test share. */
struct shared {
	int fd;
	volatile int is_handled;
	volatile int is_over;
	volatile long reads;
};

static struct shared *shared;

static inline int open_fresh(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || module_load("size=64M"))
		return -1;
	shared->fd = open(DEVICE, O_RDWR);
	return shared->fd;
}

static inline char *map_a_page(void)
{
	return map_rw(shared->fd, page_size());
}

/* 0 or an errno. */
static inline int map_first(void)
{
	return map_a_page() == MAP_FAILED ? errno : 0;
}

static inline void handle(int sig)
{
	shared->is_handled++;
}

#endif /* _SELFTESTS_XXSHM_FIRST_H */
