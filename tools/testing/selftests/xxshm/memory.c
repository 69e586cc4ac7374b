// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a window: zeroed, mapped by large entries, given back on unload; and a
 * machine without enough memory.
 */
#include "harness.h"
#include "ledger.h"
#include "within.h"

#ifndef MADV_HWPOISON
#define MADV_HWPOISON		100
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define WINDOW	(16UL << 20)
#define AROUND	(32UL << 20)	/* large pages of such a block are mapped at a time */

FIXTURE(pages) {
	int fd;
};

/* First fill free memory with other bytes, to notice pages that are not zeroed. */
FIXTURE_SETUP(pages)
{
	ASSERT_EQ(0, dirty_memory(3 * WINDOW));
	ASSERT_EQ(0, module_load("size=16773121"));	/* 16 MiB - 4 KiB + 1 */
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(pages)
{
	EXPECT_EQ(0, module_unload());
}

/* The rounded-up part belongs to the window, and is zero, too. */
TEST_F(pages, are_zero_over_the_whole_rounded_window)
{
	char *map = map_rw(self->fd, WINDOW);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, WINDOW));
}

TEST_F(pages, are_large_and_mapped_by_one_entry_each)
{
	char *map = map_rw(self->fd, WINDOW);
	size_t i;

	if (!has_large_pages())
		SKIP(return, "this kernel has no large pages");
	ASSERT_NE(MAP_FAILED, map);
	for (i = 0; i < WINDOW; i += page_size())
		map[i] = 1;
	EXPECT_EQ(0, (unsigned long)map % HUGE_SIZE);
	EXPECT_EQ((long)WINDOW / 1024, smaps_kb(map, "Rss:"));
	EXPECT_EQ((long)WINDOW / 1024, smaps_kb(map, "FilePmdMapped:"));
}

/* A free place of @len bytes into which no aligned large page fits. */
static char *crooked_place(size_t len)
{
	char *room = mmap(NULL, len + 2 * HUGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(room, len + 2 * HUGE_SIZE);
	return (char *)((unsigned long)room / HUGE_SIZE * HUGE_SIZE + HUGE_SIZE +
			page_size());
}

static char *map_near(int fd, const char *hint, size_t len, int flags, off_t offset)
{
	return mmap((void *)hint, len, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd,
		    offset);
}

TEST_F(pages, are_mapped_where_the_caller_would_like)
{
	char *hint = crooked_place(WINDOW);

	ASSERT_EQ(hint, map_near(self->fd, hint, WINDOW, 0, 0));
	ASSERT_EQ(0, munmap(hint, WINDOW));
	/* The kernel rounds it down. */
	EXPECT_EQ(hint, map_near(self->fd, hint + 1, WINDOW, 0, 0));
}

/* Then the place is aligned as if there were no hint. */
TEST_F(pages, are_aligned_if_the_hint_is_taken)
{
	char *taken = map_rw(self->fd, WINDOW), *map;
	size_t page = page_size();

	ASSERT_NE(MAP_FAILED, taken);
	map = map_near(self->fd, taken + page, WINDOW - page, 0, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, (unsigned long)map % HUGE_SIZE);
	map = map_near(self->fd, taken, WINDOW - 2 * page, 0, page);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(page, (unsigned long)map % HUGE_SIZE);
	EXPECT_EQ(taken, map_near(self->fd, taken, WINDOW, MAP_FIXED, 0));
}

#ifdef __LP64__
TEST_F(pages, are_aligned_in_32_bits_if_the_hint_is_taken)
{
	size_t len = WINDOW - page_size();
	char *taken = map_near(self->fd, NULL, len, MAP_32BIT, 0), *map;

	ASSERT_NE(MAP_FAILED, taken);
	map = map_near(self->fd, taken + page_size(), len, MAP_32BIT, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, (unsigned long)map % HUGE_SIZE);
	EXPECT_GT(1UL << 31, (unsigned long)map);
}

static char *reserve(void *addr, size_t len, int flags)
{
	return mmap(addr, len, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}

/* In 32 bits, the kernel begins its search at a random place in this range. */
#define START_OF_32_BITS	((char *)(1UL << 30))
#define RANDOM_IN_32_BITS	(32UL << 20)

TEST_F(pages, are_mapped_where_the_last_room_is_not_aligned)
{
	char *room = START_OF_32_BITS + RANDOM_IN_32_BITS + page_size();
	size_t len = 1UL << 30;

	ASSERT_EQ(START_OF_32_BITS,
		  reserve(START_OF_32_BITS, RANDOM_IN_32_BITS + 2 * HUGE_SIZE,
			  MAP_FIXED_NOREPLACE));
	for (; len >= page_size(); len /= 2)
		while (reserve(NULL, len, MAP_32BIT) != MAP_FAILED)
			;
	ASSERT_EQ(0, munmap(room, HUGE_SIZE));
	ASSERT_EQ(room, map_near(self->fd, NULL, HUGE_SIZE, MAP_32BIT, 0));
	EXPECT_TRUE(is_zero(room, HUGE_SIZE));
}
#endif

/* All of the window that is in the block around its middle, up to its last page. */
static void expect_large(struct __test_metadata *_metadata, char *map)
{
	unsigned long start = (unsigned long)map, end = start + WINDOW;
	unsigned long block = (start + WINDOW / 2) & ~(AROUND - 1);

	if (start < block)
		start = block;
	if (end > block + AROUND)
		end = block + AROUND;
	EXPECT_EQ((long)(end - start) / 1024, smaps_kb(map, "FilePmdMapped:"));
	EXPECT_EQ((long)(end - start) / 1024, smaps_kb(map, "Rss:"));
}

TEST_F(pages, are_mapped_large_by_reading_one_byte)
{
	char *map = map_device(self->fd, WINDOW, PROT_READ, 0);

	if (!has_large_pages())
		SKIP(return, "this kernel has no large pages");
	ASSERT_NE(MAP_FAILED, map);
	(void)*(volatile char *)(map + WINDOW / 2);
	expect_large(_metadata, map);
}

TEST_F(pages, are_mapped_large_by_writing_one_byte)
{
	char *map = map_rw(self->fd, WINDOW);

	if (!has_large_pages())
		SKIP(return, "this kernel has no large pages");
	ASSERT_NE(MAP_FAILED, map);
	map[WINDOW / 2] = 1;
	expect_large(_metadata, map);
}

/*
 * A part of three and a half large pages has two complete ones, or one at the end of a
 * block. Pages mapped beyond the part show in no list of the process, but in the number of
 * mappings of each page.
 */
TEST_F(pages, are_mapped_as_far_as_the_mapping_goes)
{
	char *map = map_rw(self->fd, WINDOW), *all = map_rw(self->fd, WINDOW);
	char *part = map + HUGE_SIZE / 2;

	if (!has_large_pages())
		SKIP(return, "this kernel has no large pages");
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map, HUGE_SIZE / 2));
	ASSERT_EQ(0, munmap(part + 3 * HUGE_SIZE, WINDOW - 7 * HUGE_SIZE / 2));
	memset(all, 'a', WINDOW);
	part[HUGE_SIZE] = 'p';
	EXPECT_GE(smaps_kb(part, "FilePmdMapped:"), (long)HUGE_SIZE / 1024);
	EXPECT_EQ(smaps_kb(part, "Rss:"), smaps_kb(part, "FilePmdMapped:"));
	EXPECT_EQ(2, times_mapped(all + 3 * HUGE_SIZE / 2));
	EXPECT_EQ(1, times_mapped(all));
	EXPECT_EQ(1, times_mapped(all + 4 * HUGE_SIZE - page_size()));
}

static int was_written(const char *addr)
{
	return !!(pagemap_entry(addr) & PAGEMAP_SOFT_DIRTY);
}

/* The kernel write-protects a large page to notice writes. */
TEST_F(pages, can_be_written_to_when_they_have_been_protected)
{
	char *map = map_rw(self->fd, WINDOW);

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	if (!was_written(map))
		SKIP(return, "this kernel does not look who writes");
	ASSERT_EQ(0, write_file("/proc/self/clear_refs", "4"));
	EXPECT_EQ(0, was_written(map + page_size()));
	map[page_size()] = 2;
	EXPECT_EQ(1, was_written(map + page_size()));
	EXPECT_EQ(1, map[0]);
	EXPECT_EQ(2, map[page_size()]);
}

/* Pages mapped around a written page have not been written to. */
TEST_F(pages, count_as_written_to_when_they_are)
{
	char *map = map_rw(self->fd, WINDOW);
	char *small = map_rw(self->fd, 2 * page_size());
	char *part = map_rw(self->fd, HUGE_SIZE / 2);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, part);
	map[0] = 1;
	if (!was_written(map))
		SKIP(return, "this kernel does not look who writes");
	ASSERT_EQ(0, madvise(map, WINDOW, MADV_DONTNEED));
	ASSERT_EQ(0, write_file("/proc/self/clear_refs", "4"));
	map[HUGE_SIZE] = 1;
	EXPECT_EQ(1, was_written(map + HUGE_SIZE));
	EXPECT_EQ(0, was_written(map) + was_written(map + 2 * HUGE_SIZE));
	EXPECT_EQ(0, was_written(small));
	part[0] = 1;
	EXPECT_EQ(1, was_written(part));
	EXPECT_EQ(0, was_written(part + page_size()));
}

TEST_F(pages, are_unevictable)
{
	long before = read_vmstat("nr_unevictable"), window = WINDOW / page_size();

	ASSERT_NE(MAP_FAILED, map_rw(self->fd, WINDOW));
	EXPECT_GE(read_vmstat("nr_unevictable") - before, window / 2);
}

TEST_F(pages, go_when_the_module_goes)
{
	long before = cached_pages(), window = WINDOW / page_size();
	char *map = map_rw(self->fd, WINDOW);

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_GE(cached_pages() - before, window);
	ASSERT_EQ(0, munmap(map, WINDOW));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload());
	EXPECT_LT(cached_pages() - before, window / 2);
	ASSERT_EQ(0, module_load(""));
}

/* In kB, without memory that the kernel could give back at once. */
static long free_memory(void)
{
	if (write_file("/proc/sys/vm/drop_caches", "3"))
		perror("drop_caches");
	return read_number("/proc/meminfo", "MemFree:");
}

/* Load the module, fill a window of 4 MiB, and unload it. */
static int fill_and_go(void)
{
	size_t len = 2 * HUGE_SIZE;
	int fd, err = module_load("size=4M");
	char *map;

	fd = open(DEVICE, O_RDWR);
	map = map_rw(fd, len);
	if (err || map == MAP_FAILED)
		return -1;
	memset(map, 'x', len);
	munmap(map, len);
	close(fd);
	return module_unload();
}

#define GOINGS	32

/*
 * A lost page shows only in the number of free pages. Other pages are freed in the
 * background.
 */
TEST_F(pages, are_free_when_the_module_went)
{
	long before, window = 2 * HUGE_SIZE / 1024;
	int i;

	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, fill_and_go());
	before = free_memory();
	for (i = 0; i < GOINGS; i++)
		ASSERT_EQ(0, fill_and_go());
	EXPECT_TRUE(WITHIN(10, before - free_memory() < GOINGS / 4 * window))
		TH_LOG("%ld kB less are free", before - free_memory());
	ASSERT_EQ(0, module_load(""));
}

#define ASKEW	(5UL << 20)

/* Windows that are no multiple of 2 MiB: the ILP32 window begins askew. */
FIXTURE(askew) {
	int fd;
};

FIXTURE_SETUP(askew)
{
	ASSERT_EQ(0, module_load("size=5M"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(askew)
{
	EXPECT_EQ(0, module_unload());
}

/* Each page gets a number of its own, to notice a page at a wrong place. */
static void number_pages(char *map)
{
	size_t i;

	for (i = 0; i < ASKEW; i += page_size())
		map[i] = i >> 12;
}

static int wrong_pages(const char *map)
{
	size_t i, wrong = 0;

	for (i = 0; i < ASKEW; i += page_size())
		wrong += map[i] != (char)(i >> 12);
	return wrong;
}

TEST_F(askew, window_is_large_pages_where_they_fit)
{
	char *map = map_rw(self->fd, ASKEW);

	if (!has_large_pages())
		SKIP(return, "this kernel has no large pages");
	ASSERT_NE(MAP_FAILED, map);
	number_pages(map);
	EXPECT_EQ(5 << 10, smaps_kb(map, "Rss:"));
	EXPECT_EQ(4 << 10, smaps_kb(map, "FilePmdMapped:"));
	EXPECT_EQ(0, wrong_pages(map));
}

/* A mapping that cannot be aligned still shows the right bytes. */
TEST_F(askew, any_address_will_do)
{
	char *room = mmap(NULL, ASKEW + HUGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *map = map_rw(self->fd, ASKEW);

	ASSERT_NE(MAP_FAILED, map);
	number_pages(map);
	room = (char *)((unsigned long)room / HUGE_SIZE * HUGE_SIZE +
			HUGE_SIZE - page_size());
	ASSERT_EQ(room, mmap(room, ASKEW, PROT_READ, MAP_SHARED | MAP_FIXED,
			     self->fd, 0));
	EXPECT_EQ(0, wrong_pages(room));
}

/* A program may split a large page for all: no data may be lost. */
TEST_F(askew, splitting_a_large_page_keeps_data)
{
	char *map = map_rw(self->fd, ASKEW);

	ASSERT_NE(MAP_FAILED, map);
	number_pages(map);
	EXPECT_EQ(0, madvise(map + HUGE_SIZE, page_size(), MADV_PAGEOUT));
	EXPECT_EQ(0, wrong_pages(map));
	EXPECT_EQ(0, munmap(map, ASKEW));
	EXPECT_EQ(0, wrong_pages(map_rw(self->fd, ASKEW)));
}

/* The kernel moves pages off failing memory, and wherever it compacts. */
TEST_F(askew, migration_keeps_data)
{
	char *map = map_rw(self->fd, ASKEW);

	ASSERT_NE(MAP_FAILED, map);
	number_pages(map);
	EXPECT_EQ(0, madvise(map, page_size(), MADV_SOFT_OFFLINE));
	EXPECT_EQ(0, madvise(map + ASKEW - page_size(), page_size(),
			     MADV_SOFT_OFFLINE));
	EXPECT_EQ(0, wrong_pages(map));
	EXPECT_EQ(0, wrong_pages(map_rw(self->fd, ASKEW)));
}

/* In a process of its own: the kernel may send it SIGBUS at once. */
static void break_page(char *page)
{
	pid_t pid = fork();

	if (!pid)
		_exit(madvise(page, page_size(), MADV_HWPOISON));
	wait_for(pid);
}

/* Data lost with broken memory is never replaced by zeroes in silence. */
TEST_F(askew, broken_page_is_sigbus_and_the_others_stay)
{
	size_t page = page_size();
	char *map = map_rw(self->fd, ASKEW);

	ASSERT_NE(MAP_FAILED, map);
	number_pages(map);
	break_page(map + 3 * page);
	EXPECT_EQ(SIGBUS, signal_of_touching(map + 3 * page));
	map = map_rw(self->fd, ASKEW);
	EXPECT_EQ(SIGBUS, signal_of_touching(map + 3 * page));
	EXPECT_EQ(2, map[2 * page]);
	EXPECT_EQ(4, map[4 * page]);
}

/* The physical address of a mapped page, 0 if it is not known. */
static __u64 physical_address(const char *page)
{
	off_t at = (unsigned long)page / page_size() * sizeof(__u64);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry = 0;

	if (pread(fd, &entry, sizeof(entry), at) != sizeof(entry))
		entry = 0;
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * page_size();
}

/* The kernel drops clean, unmapped pages first. */
TEST_F(askew, unused_pages_survive_the_offlining_of_their_memory)
{
	char *map = map_device(self->fd, ASKEW, PROT_READ, 0), address[32];
	int i, fd = open("/sys/devices/system/memory/soft_offline_page", O_WRONLY);

	if (fd < 0)
		SKIP(return, "this kernel cannot offline a page by its address");
	ASSERT_NE(MAP_FAILED, map);
	for (i = 0; i < 2; i++) {
		char *page = map + i * (ASKEW - page_size());

		ASSERT_EQ(0, *(volatile char *)page);
		snprintf(address, sizeof(address), "%#llx",
			 (unsigned long long)physical_address(page));
		ASSERT_EQ(0, madvise(map, ASKEW, MADV_DONTNEED));
		EXPECT_EQ(strlen(address), write(fd, address, strlen(address)));
		EXPECT_EQ(0, signal_of_touching(map_rw(self->fd, ASKEW) +
						(page - map)));
	}
}

/* The same for a page that nobody has touched. */
TEST_F(askew, broken_fresh_page_is_sigbus)
{
	char *map = map_device(self->fd, ASKEW, PROT_READ, 0);

	ASSERT_NE(MAP_FAILED, map);
	break_page(map);
	map = map_rw(self->fd, ASKEW);
	EXPECT_EQ(SIGBUS, signal_of_touching(map));
	EXPECT_EQ(0, signal_of_touching(map + page_size()));
}

FIXTURE(starving) {
	int fd;
	char *ballast;
};

/*
 * A window of nearly all available memory, by the kernel's estimate, which the module uses,
 * too. The estimate changes by some per cent, and must not grow by an eighth. The ballast
 * makes it small enough for the module to accept this size when it is loaded.
 */
FIXTURE_SETUP(starving)
{
	size_t ballast = sysconf(_SC_PHYS_PAGES) / 4 * page_size();
	long kbytes;
	char parameters[64];

	self->ballast = mmap(NULL, ballast, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->ballast);
	kbytes = read_number("/proc/meminfo", "MemAvailable:");
	ASSERT_GT(kbytes, 0);
	snprintf(parameters, sizeof(parameters), "size=%ldK", kbytes / 100 * 98);
	ASSERT_EQ(0, module_load(parameters));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(starving)
{
	EXPECT_EQ(0, module_unload());
}

/* The kernel would kill others for the next allocation, and gain nothing. */
TEST_F(starving, is_enomem_and_kills_nobody)
{
	long killed = read_vmstat("oom_kill");

	ASSERT_GE(killed, 0);
	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, page_size()));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_EQ(0, is_allocated(self->fd));
	EXPECT_EQ(killed, read_vmstat("oom_kill"));
}

FIXTURE(large) {
	int fd;
	size_t size;
};

FIXTURE_SETUP(large)
{
	self->size = 128 << 20;
	ASSERT_EQ(0, module_load("size=128M"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(large)
{
	EXPECT_EQ(0, module_unload());
}

/* Kill it later and later, until the window is complete; at least once halfway. */
TEST_F(large, being_killed_halfway_keeps_nothing)
{
	long before = cached_pages(), window = self->size / page_size();
	volatile int *begun = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int halfway = 0, delay;

	ASSERT_NE(MAP_FAILED, (void *)begun);
	for (delay = 1000; !is_allocated(self->fd); delay += delay / 2) {
		pid_t pid;

		*begun = 0;
		pid = fork();
		if (!pid) {
			*begun = 1;
			map_rw(self->fd, self->size);
			_exit(0);
		}
		usleep(delay);
		kill(pid, SIGKILL);
		halfway += wait_for(pid) == 128 + SIGKILL && *begun &&
			   !is_allocated(self->fd);
		ASSERT_EQ(is_allocated(self->fd),
			  cached_pages() - before > window / 2);
		ASSERT_EQ(0, charged(self->fd));
	}
	EXPECT_GT(halfway, 0);
}

/* Eight processes ask at once for a window that is made once. */
TEST_F(large, racing_first_mappers_make_one_window)
{
	long before = cached_pages(), window = self->size / page_size();
	pid_t pid[8];
	int i, failed = 0;

	for (i = 0; i < 8; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			int *map = (int *)map_rw(self->fd, self->size);

			if (map == MAP_FAILED)
				_exit(1);
			__atomic_add_fetch(map, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	}
	for (i = 0; i < 8; i++)
		failed += wait_for(pid[i]);
	EXPECT_EQ(0, failed);
	EXPECT_EQ(8, *(int *)map_rw(self->fd, page_size()));
	EXPECT_LT(cached_pages() - before, window + window / 2);
}

TEST_HARNESS_MAIN
