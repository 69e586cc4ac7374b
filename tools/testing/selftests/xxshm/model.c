// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window of each data model. Each of this file's three builds meets a process of each
 * model: all nine pairs.
 */
#include "harness.h"
#include "ledger.h"

FIXTURE(pair) {
	int fd;
	size_t page;
	char *map;
};

FIXTURE_VARIANT(pair) {
	const char *peer;
	__u32 peer_model;
};

FIXTURE_VARIANT_ADD(pair, with_lp64) {
	.peer = "../lp64/peer", .peer_model = XXSHM_MODEL_LP64
};

FIXTURE_VARIANT_ADD(pair, with_ia32) {
	.peer = "../ia32/peer", .peer_model = XXSHM_MODEL_ILP32
};

FIXTURE_VARIANT_ADD(pair, with_x32) {
	.peer = "../x32/peer", .peer_model = XXSHM_MODEL_ILP32
};

FIXTURE_SETUP(pair)
{
	ASSERT_EQ(0, module_load("size=4M"));
	self->page = page_size();
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(pair)
{
	EXPECT_EQ(0, module_unload());
}

#define SAME_WINDOW	((int)(variant->peer_model == OWN_MODEL))

TEST_F(pair, bytes_are_seen_by_the_same_model_only)
{
	char *map = map_rw(self->fd, 2 * self->page);

	ASSERT_NE(MAP_FAILED, map);
	map[self->page + 5] = 42;
	EXPECT_EQ(SAME_WINDOW ? 42 : 0,
		  run_peer(variant->peer, "read", self->page + 5, NULL));
	EXPECT_EQ(0, run_peer(variant->peer, "write", 9, "43"));
	EXPECT_EQ(SAME_WINDOW ? 43 : 0, map[9]);
	EXPECT_EQ(42, map[self->page + 5]);
}

TEST_F(pair, peer_may_come_first)
{
	char *map;

	EXPECT_EQ(0, run_peer(variant->peer, "write", 0, "44"));
	EXPECT_EQ(if_locked(SAME_WINDOW), is_allocated(self->fd));
	map = map_rw(self->fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(SAME_WINDOW ? 44 : 0, map[0]);
	EXPECT_EQ(SAME_WINDOW ? 44 : 0, map_rw(self->fd, self->page)[0]);
}

TEST_F(pair, both_reach_the_last_page)
{
	size_t last = (4 << 20) - 1;
	char *map = map_rw(self->fd, last + 1);

	ASSERT_NE(MAP_FAILED, map);
	map[last] = 45;
	EXPECT_EQ(SAME_WINDOW ? 45 : 0,
		  run_peer(variant->peer, "read", last, NULL));
	EXPECT_EQ(255, run_peer(variant->peer, "read", last + 1, NULL));
}

TEST_F(pair, data_survives_the_last_unmap_and_close)
{
	EXPECT_EQ(0, run_peer(variant->peer, "write", 100, "46"));
	close(self->fd);
	EXPECT_EQ(46, run_peer(variant->peer, "read", 100, NULL));
}

TEST_F(pair, child_of_a_mapper_meets_the_peers_of_its_parent)
{
	char *map = map_rw(self->fd, self->page);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	pid = fork();
	if (!pid) {
		map[3] = 47;
		_exit(run_peer(variant->peer, "read", 3, NULL));
	}
	EXPECT_EQ(SAME_WINDOW ? 47 : 0, wait_for(pid));
	EXPECT_EQ(47, map[3]);
}

FIXTURE(alone) {
	int fd;
	size_t size;
};

FIXTURE_SETUP(alone)
{
	self->size = 64 << 20;
	ASSERT_EQ(0, module_load("size=64M"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(alone)
{
	EXPECT_EQ(0, module_unload());
}

/* Other users of memory take less than half a window: more would be two windows. */
TEST_F(alone, first_mmap_allocates_the_whole_window_and_no_other)
{
	long half = self->size / page_size() / 2, before = cached_pages(), grown;
	long window = if_locked(2 * half);

	ASSERT_NE(MAP_FAILED, map_rw(self->fd, page_size()));
	grown = cached_pages() - before;
	EXPECT_EQ(if_locked(self->size), device_attribute("allocated"));
	EXPECT_GT(grown, window - half);
	EXPECT_LT(grown, window + half);
	ASSERT_NE(MAP_FAILED, map_rw(self->fd, self->size));
	EXPECT_LT(cached_pages() - before, window + half);
}

TEST_F(alone, refused_mmap_allocates_nothing)
{
	long window = self->size / page_size(), before = cached_pages();

	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, self->size + page_size()));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->size, PROT_READ, MAP_PRIVATE,
				   self->fd, 0));
	EXPECT_EQ(MAP_FAILED, map_device(self->fd, self->size, PROT_EXEC, 0));
	EXPECT_LT(cached_pages() - before, window / 2);
}

#if defined(__x86_64__) && !defined(__ILP32__)
struct old_mmap_args {
	__u32 addr, len, prot, flags, fd, offset;
};

/* mmap(2) as 32-bit code calls it, from a 64-bit process; args lie below 4G. */
static long int80_mmap(struct old_mmap_args *args)
{
	long ret = 90;

	asm volatile("int $0x80" : "+a"(ret) : "b"(args)
		     : "memory", "r8", "r9", "r10", "r11");
	return (__u32)ret >= -4095U ? -1L : (long)(__u32)ret;
}

static char *int80_map_page(int fd)
{
	struct old_mmap_args *args = mmap(NULL, page_size(),
					  PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS |
					  MAP_32BIT, -1, 0);

	*args = (struct old_mmap_args){
		.len = page_size(), .prot = PROT_READ | PROT_WRITE,
		.flags = MAP_SHARED, .fd = fd,
	};
	return (char *)int80_mmap(args);
}

TEST_F(alone, int80_from_a_64_bit_process_gets_the_ilp32_window)
{
	char *map = int80_map_page(self->fd);

	ASSERT_NE(MAP_FAILED, map);
	*map = 48;
	EXPECT_EQ(48, run_peer("../ia32/peer", "read", 0, NULL));
	EXPECT_EQ(0, run_peer("../lp64/peer", "read", 0, NULL));
}

/* The calls are 64-bit ones here; the mapping keeps its window. */
TEST_F(alone, mapping_keeps_its_window_over_mremap_and_fork)
{
	size_t page = page_size();
	char *map = int80_map_page(self->fd);
	char *to = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	ASSERT_EQ(to, mremap(map, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	pid = fork();
	if (!pid) {
		*to = 49;
		_exit(0);
	}
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(49, run_peer("../ia32/peer", "read", 0, NULL));
	EXPECT_EQ(0, run_peer("../lp64/peer", "read", 0, NULL));
}
#endif

TEST_HARNESS_MAIN
