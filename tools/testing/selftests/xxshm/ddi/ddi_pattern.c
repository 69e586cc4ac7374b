// SPDX-License-Identifier: GPL-2.0-only
/*
 * How drivers that exist use the calls: where they begin in their memory, what they
 * allow, which callbacks they have, and what they do in them. A test for each way.
 */
#include "../harness.h"
#include "driver.h"

#define PAGES	4

FIXTURE(pattern) {
	struct probe_plan plan;
	int fd;
	size_t page;
	char *map;
};

/* Each page of the first memory holds its number, counted from 'a', of the second 'A'. */
FIXTURE_SETUP(pattern)
{
	size_t i;

	self->page = page_size();
	self->fd = probe_start(PAGES * self->page);
	ASSERT_GE(self->fd, 0);
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, probe_poke(self->fd, 0, i * self->page, 'a' + i));
		ASSERT_EQ(0, probe_poke(self->fd, 1, i * self->page, 'A' + i));
	}
	self->plan.handle[0].maxprot = PROT_RWU;
}

FIXTURE_TEARDOWN_PARENT(pattern)
{
	EXPECT_EQ(0, probe_unload());
}

static char *map_by(int fd, const struct probe_plan *plan, size_t npages, int prot,
		    size_t at)
{
	if (probe_plan(fd, plan))
		return MAP_FAILED;
	return map_device(fd, npages * page_size(), prot, at * page_size());
}

#define MAP(npages, at) do {							\
	self->map = map_by(self->fd, &self->plan, npages,			\
			   PROT_READ | PROT_WRITE, at);				\
	ASSERT_NE(MAP_FAILED, self->map);					\
} while (0)

#define EXPECT_REFUSED(code, prot) do {						\
	EXPECT_EQ(MAP_FAILED, map_by(self->fd, &self->plan, 1, prot, 0));	\
	EXPECT_EQ(code, errno);							\
} while (0)

TEST_F(pattern, koff_0)
{
	MAP(PAGES, 0);
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EQ('d', self->map[3 * self->page]);
}

TEST_F(pattern, koff_user_offset)
{
	self->plan.handle[0].what = PROBE_KOFF_IS_OFF;
	MAP(2, 1);
	EXPECT_EQ('b', self->map[0]);
	EXPECT_EQ('c', self->map[self->page]);
}

TEST_F(pattern, koff_computed)
{
	self->plan.handle[0].koff = 2 * self->page;
	MAP(1, 1);
	EXPECT_EQ('c', self->map[0]);
}

TEST_F(pattern, segmap_overrides_the_offset)
{
	self->plan.segmap = PROBE_ELSEWHERE;
	self->plan.handle[0].what = PROBE_KOFF_IS_OFF;
	MAP(1, 1);
	EXPECT_EQ('c', self->map[0]);
}

TEST_F(pattern, prot_all)
{
	self->plan.handle[0].maxprot = PROT_ALL;
	MAP(1, 0);
	self->map[0] = 'x';
	EXPECT_EQ('x', probe_peek(self->fd, 0, 0));
	EXPECT_REFUSED(EACCES, PROT_READ | PROT_EXEC);
}

TEST_F(pattern, prot_rwu)
{
	MAP(1, 0);
	self->map[0] = 'x';
	EXPECT_EQ('x', probe_peek(self->fd, 0, 0));
}

TEST_F(pattern, prot_ru)
{
	char *map;

	self->plan.handle[0].maxprot = PROT_RU;
	EXPECT_REFUSED(ENXIO, PROT_READ | PROT_WRITE);
	map = map_by(self->fd, &self->plan, 1, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('a', map[0]);
	EXPECT_EQ(-1, mprotect(map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(pattern, prot_all_without_exec)
{
	self->plan.handle[0].maxprot = PROT_ALL & ~PROT_EXEC;
	MAP(1, 0);
	self->map[0] = 'x';
	EXPECT_REFUSED(EACCES, PROT_READ | PROT_EXEC);
}

TEST_F(pattern, callbacks_null)
{
	MAP(2, 0);
	EXPECT_EQ('b', self->map[self->page]);
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EQ(0, probe_events(self->fd).count);
}

TEST_F(pattern, callbacks_all_null)
{
	self->plan.handle[0].callbacks = PROBE_NONE;
	MAP(2, 0);
	EXPECT_EQ('b', self->map[self->page]);
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EQ(0, probe_events(self->fd).count);
}

/* The structure is the driver's, and gone when devmap() has returned. */
TEST_F(pattern, callbacks_on_the_stack)
{
	self->plan.handle[0].callbacks = PROBE_MAP | PROBE_UNMAP;
	MAP(2, 0);
	EXPECT_EQ(1, probe_events(self->fd).count);
	ASSERT_EQ(0, munmap(self->map, self->page));
	ASSERT_EQ(0, munmap(self->map + self->page, self->page));
	EXPECT_EQ(2, probe_events(self->fd).count);
}

TEST_F(pattern, callbacks_without_access)
{
	self->plan.handle[0].callbacks = NO_ACCESS;
	MAP(1, 0);
	EXPECT_EQ(0, signal_of_touching(self->map));
	ASSERT_EQ(0, munmap(self->map, self->page));
	/* map(), dup(), and unmap() of each. */
	EXPECT_EQ(4, probe_events(self->fd).count);
}

TEST_F(pattern, callbacks_without_dup)
{
	self->plan.handle[0].callbacks = PROBE_MAP | PROBE_ACCESS | PROBE_UNMAP;
	MAP(1, 0);
	EXPECT_EQ(0, signal_of_touching(self->map));
	ASSERT_EQ(0, munmap(self->map, self->page));
	EXPECT_EQ(4, probe_events(self->fd).count);
}

TEST_F(pattern, callbacks_all_four)
{
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(1, 0);
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EQ(0, signal_of_touching(self->map));
	ASSERT_EQ(0, munmap(self->map, self->page));
	EXPECT_EQ(6, probe_events(self->fd).count);
}

/* A handle for each of its memories. */
TEST_F(pattern, multi_handle)
{
	struct probe_handle *handle = self->plan.handle;

	handle[0] = (struct probe_handle){ .len = 2 * self->page, .maxprot = PROT_RWU };
	handle[1] = (struct probe_handle){ .slot = 1, .len = self->page,
					   .maxprot = PROT_RWU };
	handle[2] = (struct probe_handle){ .koff = 3 * self->page, .maxprot = PROT_RWU };
	MAP(4, 0);
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EQ('b', self->map[self->page]);
	EXPECT_EQ('A', self->map[2 * self->page]);
	EXPECT_EQ('d', self->map[3 * self->page]);
	ASSERT_EQ(0, munmap(self->map + self->page, 2 * self->page));
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EQ('d', self->map[3 * self->page]);
}

TEST_F(pattern, remap_to_another_cookie_and_back)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = self->page, .maxprot = PROT_RWU };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = NO_ACCESS;
	MAP(1, 0);
	EXPECT_EQ('a', self->map[0]);
	ASSERT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('A', self->map[0]);
	call.slot = 0;
	ASSERT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[0]);
}

/* A revoked process sees trash, and writes to it, without notice. */
TEST_F(pattern, remap_to_trash_and_back)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = self->page, .maxprot = PROT_RWU };

	probe_alloc(self->fd, 1, self->page, DDI_UMEM_TRASH);
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = NO_ACCESS;
	MAP(1, 0);
	ASSERT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ(0, self->map[0]);
	self->map[0] = 'x';
	EXPECT_EQ('a', probe_peek(self->fd, 0, 0));
	call.slot = 0;
	ASSERT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[0]);
}

/* The touched page decides which memory the process sees. */
TEST_F(pattern, remap_in_access)
{
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].what = PROBE_SWAP;
	self->plan.handle[0].len = self->page;
	MAP(1, 0);
	EXPECT_EQ('A', self->map[0]);
	self->map[0] = 'x';
	EXPECT_EQ('x', probe_peek(self->fd, 1, 0));
	EXPECT_EQ('a', probe_peek(self->fd, 0, 0));
}

/* An invalid handle comes to life when it is remapped on its first touch. */
TEST_F(pattern, remap_of_an_invalid_handle_in_access)
{
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP | DEVMAP_MAPPING_INVALID;
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].what = PROBE_SWAP;
	self->plan.handle[0].len = self->page;
	MAP(1, 0);
	EXPECT_EQ('A', self->map[0]);
	/* The child's is as invalid as the parent's was, until it touches it. */
	EXPECT_EQ(0, signal_of_touching(self->map));
}

/* The memory is freed under a mapping that cannot be touched any more. */
TEST_F(pattern, invalidate_on_destroy)
{
	struct probe_call call = { .what = PROBE_INVALIDATE, .handle = 1,
				   .flags = DEVMAP_MAPPING_INVALID };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = NO_ACCESS;
	MAP(1, 0);
	EXPECT_EQ('a', self->map[0]);
	ASSERT_EQ(0, probe_call(self->fd, call));
	ASSERT_EQ(0, probe_free(self->fd, 0));
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
	ASSERT_EQ(0, munmap(self->map, self->page));
}

/* The queue is the parent's: a child that touches it is killed. */
TEST_F(pattern, invalidate_in_dup)
{
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = NO_ACCESS;
	self->plan.handle[0].what = PROBE_INVALID_CHILD;
	MAP(1, 0);
	self->map[0] = 'x';
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
	EXPECT_EQ('x', self->map[0]);
}

TEST_F(pattern, allocation_in_devmap)
{
	ASSERT_EQ(0, probe_free(self->fd, 0));
	self->plan.handle[0].what = PROBE_ALLOC;
	MAP(2, 0);
	EXPECT_EQ(0, self->map[self->page]);
	self->map[self->page] = 'x';
	EXPECT_EQ('x', probe_peek(self->fd, 0, self->page));
}

TEST_F(pattern, one_data_model_only)
{
	self->plan.handle[0].what = PROBE_LP64_ONLY;
	if (IS_ILP32) {
		EXPECT_REFUSED(ENXIO, PROT_READ);
	} else {
		MAP(1, 0);
		EXPECT_EQ('a', self->map[0]);
	}
}

TEST_HARNESS_MAIN
