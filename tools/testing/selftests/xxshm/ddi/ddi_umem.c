// SPDX-License-Identifier: GPL-2.0-only
/* ddi_umem_alloc() and ddi_umem_free(): memory as the driver sees it. */
#include "../harness.h"
#include "driver.h"

FIXTURE(umem) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(umem)
{
	self->page = page_size();
	ASSERT_EQ(0, probe_load(""));
	self->fd = open(PROBE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(umem)
{
	EXPECT_EQ(0, probe_unload());
}

TEST_F(umem, size_0_is_refused)
{
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 0, DDI_UMEM_SLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 0, DDI_UMEM_NOSLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 0, DDI_UMEM_TRASH));
}

/* Rounded up to pages, these would be 0. */
TEST_F(umem, size_that_wraps_is_refused)
{
	EXPECT_EQ(0, probe_alloc(self->fd, 0, ~0ULL, DDI_UMEM_SLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 0 - self->page + 1, DDI_UMEM_SLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, ~0ULL, DDI_UMEM_TRASH));
}

TEST_F(umem, size_beyond_the_machine_is_refused)
{
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 1ULL << 40, DDI_UMEM_SLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 1ULL << 40, DDI_UMEM_NOSLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 0 - self->page, DDI_UMEM_SLEEP));
}

TEST_F(umem, byte_is_a_zeroed_page)
{
	ASSERT_EQ(0, dirty_memory(64 << 20));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 0, 1, DDI_UMEM_SLEEP));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 1, 1, DDI_UMEM_NOSLEEP));
}

TEST_F(umem, large_ones_are_zeroed_and_contiguous)
{
	ASSERT_EQ(0, dirty_memory(64 << 20));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 0, 9 * self->page - 1, DDI_UMEM_SLEEP));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 1, 3 << 20, DDI_UMEM_SLEEP));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 2, 5 * self->page, DDI_UMEM_NOSLEEP));
}

/* It is contiguous, and the page allocator has no more in one piece. */
TEST_F(umem, nosleep_has_4_mib_and_not_a_byte_more)
{
	const size_t most = 1024 * self->page;

	ASSERT_EQ(0, write_file("/proc/sys/vm/compact_memory", "1"));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 0, most, DDI_UMEM_NOSLEEP));
	EXPECT_EQ(0, probe_alloc(self->fd, 1, most + 1, DDI_UMEM_NOSLEEP));
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 1, most + 1, DDI_UMEM_SLEEP));
}

TEST_F(umem, pageable_is_memory_too)
{
	EXPECT_EQ(PROBE_GOOD, probe_alloc(self->fd, 0, 2 * self->page,
					  DDI_UMEM_SLEEP | DDI_UMEM_PAGEABLE));
}

TEST_F(umem, trash_has_a_cookie_and_no_address)
{
	EXPECT_EQ(PROBE_HAS_COOKIE, probe_alloc(self->fd, 0, 1 << 30, DDI_UMEM_TRASH));
}

TEST_F(umem, wrong_flags_are_refused)
{
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 1, 8));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 1, -1));
	EXPECT_EQ(0, probe_alloc(self->fd, 0, 1, DDI_UMEM_PAGEABLE | DDI_UMEM_TRASH));
}

TEST_F(umem, freeing_nothing_does_nothing)
{
	EXPECT_EQ(0, probe_free(self->fd, 0));
}

/* Allocate and free in turns: freed memory is really free. */
TEST_F(umem, is_freed)
{
	const size_t size = 64 << 20;
	long pages = size / self->page, before = read_vmstat("nr_free_pages");
	int round;

	for (round = 0; round < 8; round++)
		ASSERT_EQ(PROBE_GOOD, probe_alloc(self->fd, 0, size, DDI_UMEM_SLEEP));
	EXPECT_LT(before - read_vmstat("nr_free_pages"), 3 * pages);
}

TEST_HARNESS_MAIN
