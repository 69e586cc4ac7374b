// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other parts of the kernel read the page cache of the memory, and may leave pages there.
 * Some kernels read a mapping's first page this way, to find its build id.
 */
#include <pthread.h>

#include "ddi/holder.h"
#include "harness.h"

#define PAGES	1024	/* of a window: two large pages */
#define ROUNDS	16	/* devices */

FIXTURE(cache) {
	struct holder_cache cache;
	int fd;
	int holder;
	size_t len;
};

FIXTURE_VARIANT(cache) {
	__u32 as_page;
};

FIXTURE_VARIANT_ADD(cache, folio) {
	.as_page = 0,
};

FIXTURE_VARIANT_ADD(cache, page) {
	.as_page = 1,
};

FIXTURE_SETUP(cache)
{
	ASSERT_EQ(0, module_load("size=4M"));
	self->holder = holder_start();
	ASSERT_GE(self->holder, 0);
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	self->len = PAGES * page_size();
	self->cache.as_page = variant->as_page;
	self->cache.fd = self->fd;
	self->cache.index = IS_ILP32 ? PAGES : 0;
}

FIXTURE_TEARDOWN_PARENT(cache)
{
	EXPECT_EQ(0, holder_end());
}

/* Read a page of @cache, and count the pages that exist. */
#define EXPECT_READ(expected, n) do {						\
	ASSERT_EQ(0, ioctl(self->holder, HOLDER_IOC_READ, &self->cache));	\
	EXPECT_EQ(expected, self->cache.ret);					\
	EXPECT_EQ(n, self->cache.nrpages);					\
} while (0)

/* Leave a page there. */
#define LEAVE_AT(at) do {							\
	self->cache.index = at;							\
	ASSERT_EQ(0, ioctl(self->holder, HOLDER_IOC_LEAVE, &self->cache));	\
	ASSERT_EQ(0, self->cache.ret);						\
} while (0)

TEST_F(cache, window_without_memory_cannot_be_read)
{
	EXPECT_READ(-EIO, 0);
	EXPECT_READ(-EIO, 0);
	EXPECT_EQ(0, is_allocated(self->fd));
}

TEST_F(cache, window_has_its_memory_after_a_read)
{
	char *map;

	EXPECT_READ(-EIO, 0);
	map = map_rw(self->fd, self->len);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, self->len));
	EXPECT_EQ(1, is_allocated(self->fd));
}

TEST_F(cache, memory_of_a_window_can_be_read)
{
	char *map = map_rw(self->fd, self->len);

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'a';
	EXPECT_READ('a', PAGES);
	EXPECT_EQ('a', map[0]);
	map[0] = 'b';
	EXPECT_READ('b', PAGES);
}

TEST_F(cache, other_window_cannot_be_read)
{
	ASSERT_NE(MAP_FAILED, map_rw(self->fd, self->len));
	self->cache.index ^= PAGES;
	EXPECT_READ(-EIO, PAGES);
}

/* A page that a reader has left there is no obstacle. */
TEST_F(cache, page_that_was_left_is_taken_away)
{
	LEAVE_AT(self->cache.index);
	EXPECT_EQ(1, self->cache.nrpages);
	EXPECT_READ(-EIO, 0);
}

TEST_F(cache, window_has_its_memory_where_pages_were_left)
{
	char *map;

	LEAVE_AT(self->cache.index + PAGES - 1);
	LEAVE_AT(self->cache.index - 3 * PAGES / 4);
	map = map_rw(self->fd, self->len);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, self->len));
	memset(map, 'x', self->len);
	EXPECT_READ('x', PAGES);
}

/* The first memory that a driver gets is the first in the page cache of all drivers. */
TEST_F(cache, driver_exports_its_memory_where_pages_were_left)
{
	struct probe_plan plan = { .handle[0].maxprot = PROT_RWU };
	char *map;
	int fd;

	ASSERT_EQ(0, driver_insert("probe", ""));
	fd = open(PROBE, O_RDWR);
	ASSERT_EQ(PROBE_GOOD, probe_alloc(fd, 0, 2 * page_size(), DDI_UMEM_SLEEP));
	ASSERT_EQ(0, probe_plan(fd, &plan));
	self->cache.fd = fd;
	self->cache.index = 0;
	EXPECT_READ(-EIO, 0);
	LEAVE_AT(1);
	map = map_rw(fd, 2 * page_size());
	ASSERT_NE(MAP_FAILED, map);
	map[page_size()] = 'd';
	EXPECT_READ('d', 2);
	EXPECT_EQ('d', probe_peek(fd, 0, page_size()));
}

TEST_F(cache, advice_brings_no_pages)
{
	ASSERT_EQ(0, posix_fadvise(self->fd, 0, self->len, POSIX_FADV_WILLNEED));
	readahead(self->fd, 0, self->len);
	EXPECT_READ(-EIO, 0);
}

struct reader {
	struct holder_cache cache;
	int holder;
	int is_over;
	unsigned int reads;
	unsigned int wrong;
};

/* Reading a page of a window gives zeroes, or fails. */
static void *read_on(void *arg)
{
	struct reader *reader = arg;
	__u32 first = reader->cache.index;
	__u64 random = 88172645463325252ULL;

	while (!__atomic_load_n(&reader->is_over, __ATOMIC_ACQUIRE)) {
		reader->cache.index = first + random_below(&random, PAGES);
		if (ioctl(reader->holder, HOLDER_IOC_READ, &reader->cache) ||
		    (reader->cache.ret && reader->cache.ret != -EIO))
			reader->wrong++;
		__atomic_fetch_add(&reader->reads, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Map a device for the first time while another thread reads it; the result. */
static int map_beside_reader(struct reader *reader, size_t len)
{
	pthread_t thread;
	char *map;
	int ret;

	if (pthread_create(&thread, NULL, read_on, reader))
		return -1;
	while (__atomic_load_n(&reader->reads, __ATOMIC_ACQUIRE) < 10)
		sched_yield();
	map = map_rw(reader->cache.fd, len);
	ret = map != MAP_FAILED && is_zero(map, len) && is_allocated(reader->cache.fd);
	__atomic_store_n(&reader->is_over, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	munmap(map, len);
	return ret && !reader->wrong;
}

TEST_F(cache, window_gets_its_memory_while_it_is_read)
{
	unsigned int i;
	char path[32];

	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_load("size=4M instances=16"));
	for (i = 0; i < ROUNDS; i++) {
		struct reader reader = { .cache = self->cache, .holder = self->holder };

		snprintf(path, sizeof(path), "/dev/xxshm%u", i);
		reader.cache.fd = open(path, O_RDWR);
		ASSERT_GE(reader.cache.fd, 0);
		ASSERT_EQ(1, map_beside_reader(&reader, self->len));
		self->cache.fd = reader.cache.fd;
		EXPECT_READ(0, PAGES);
		close(reader.cache.fd);
	}
}

TEST_HARNESS_MAIN
