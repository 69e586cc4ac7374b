// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page holds its last written bytes. Processes write to random pages of a window and
 * check others; pages are unmapped, swapped, moved and shared with children; processes are
 * killed halfway. Other memory has the expected bytes of each page. In the environment,
 * XXSHM_SECONDS is the duration, and XXSHM_SEED decides the choices, but not the timing.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "harness.h"
#include "swap.h"

#define WORKERS		4
#define SECONDS		5
#define UNMAPPED	16	/* most pages that one step unmaps, moves... */
#define KILLS		4	/* at least */

/* The expected bytes of a page; while somebody writes to it, one of two values. */
struct record {
	__u32 writer;		/* 1 + slot, or 0 */
	__u32 before, now;	/* values that were written, 0: none yet */
};

struct board {
	__u64 wrong;
	__u64 writes, checks;
	struct record record[];
};

struct crew {
	int fd;
	size_t page, len;
	struct board *board;
	pid_t worker[WORKERS];
	__u64 seed;
};

FIXTURE(churn) {
	struct crew crew;
	int swaps;
};

static int swaps_already(void)
{
	return read_number("/proc/swaps", "/dev/") >= 0;
}

/* Under soak, pageable memory is larger than the memory that it may use. */
FIXTURE_SETUP(churn)
{
	struct crew *crew = &self->crew;

	crew->page = page_size();
	crew->len = is_pageable() ? 16 << 20 : 4 << 20;
	ASSERT_EQ(0, module_load(is_pageable() ? "size=16M" : "size=4M"));
	self->swaps = is_pageable() && !swaps_already();
	if (self->swaps) {
		ASSERT_TRUE(swap_is_there());
		ASSERT_EQ(0, swap_on("64M"));
	}
	crew->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(crew->fd, 0);
	crew->board = mmap(NULL, sizeof(struct board) + crew->len / crew->page *
			   sizeof(struct record), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)crew->board);
	crew->seed = seed_or(time(NULL) * 1000003ULL + getpid());
}

FIXTURE_TEARDOWN_PARENT(churn)
{
	EXPECT_EQ(0, module_unload());
	if (self->swaps)
		EXPECT_EQ(0, swap_off());
}

/* No two written pages hold the same bytes. */
static __u64 word_of(size_t number, __u32 written)
{
	return written ? (__u64)number << 32 | written : 0;
}

static __u64 *page_at(char *map, size_t page, size_t number)
{
	return (__u64 *)(map + number * page);
}

/* The first word of a page that has neither of two values, or -1. */
static long wrong_word(const __u64 *words, size_t page, __u64 one, __u64 other)
{
	size_t i;

	for (i = 0; i < page / sizeof(*words); i++)
		if (words[i] != one && words[i] != other)
			return i;
	return -1;
}

/* A page that nobody is writing to. */
static int page_is_right(struct board *board, const __u64 *words, size_t page,
			 size_t number)
{
	__u64 word = word_of(number, board->record[number].now);
	long at = wrong_word(words, page, word, word);

	__atomic_add_fetch(&board->checks, 1, __ATOMIC_RELAXED);
	if (at < 0)
		return 1;
	__atomic_add_fetch(&board->wrong, 1, __ATOMIC_RELAXED);
	fprintf(stderr, "# page %zu has %#llx at %ld, not %#llx\n", number,
		(unsigned long long)words[at], at, (unsigned long long)word);
	return 0;
}

/* The owner of a page may be killed, but then somebody gives the page back. */
static void hold(struct record *record, __u32 writer)
{
	__u32 nobody = 0;

	while (!__atomic_compare_exchange_n(&record->writer, &nobody, writer, 0,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		nobody = 0;
		sched_yield();
	}
}

static void give_back(struct record *record)
{
	__atomic_store_n(&record->writer, 0, __ATOMIC_RELEASE);
}

static void write_page(struct record *record, __u64 *words, size_t page, size_t number)
{
	size_t i;

	for (i = 0; i < page / sizeof(*words); i++)
		__atomic_store_n(&words[i], word_of(number, record->now),
				 __ATOMIC_RELAXED);
	__atomic_store_n(&record->before, record->now, __ATOMIC_RELEASE);
}

static void change_page(struct board *board, __u64 *words, size_t page, size_t number,
			__u32 written)
{
	struct record *record = &board->record[number];

	__atomic_store_n(&record->now, written, __ATOMIC_RELEASE);
	write_page(record, words, page, number);
	__atomic_add_fetch(&board->writes, 1, __ATOMIC_RELAXED);
}

/* The writer was killed: each word is that of before or of now. Finish its work. */
static int finish_pages(struct board *board, char *map, size_t len, size_t page,
			__u32 writer)
{
	size_t number;
	int right = 1;

	for (number = 0; number < len / page; number++) {
		struct record *record = &board->record[number];
		__u64 *words = page_at(map, page, number);

		if (__atomic_load_n(&record->writer, __ATOMIC_ACQUIRE) != writer)
			continue;
		if (wrong_word(words, page, word_of(number, record->before),
			       word_of(number, record->now)) >= 0)
			right = 0;
		write_page(record, words, page, number);
		give_back(record);
	}
	return right;
}

/* A child sees the same pages, and may end while its parent goes on. */
static int check_in_child(struct board *board, char *map, size_t page, size_t number)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!page_is_right(board, page_at(map, page, number), page, number));
	return wait_for(pid) == 0;
}

/* Move a page elsewhere, and back. A single page never belongs to two mappings. */
static int move(char *at, size_t page)
{
	char *room = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room == mremap(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, room) &&
	       at == mremap(room, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, at);
}

static int map_again(char *at, size_t len, int fd, off_t offset)
{
	return at == mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			  offset);
}

/* On locked memory it would only split the large pages, soon all of them. */
static int swap_or_unmap(char *map, size_t len)
{
	return madvise(map, len, is_pageable() ? MADV_PAGEOUT : MADV_DONTNEED);
}

/* The actions on the pages of a mapping. */
static int disturb(int fd, char *map, size_t offset, size_t len, __u64 *seed)
{
	switch (random_below(seed, 4)) {
	case 0:
		return !madvise(map + offset, len, MADV_DONTNEED);
	case 1:
		return !swap_or_unmap(map + offset, len);
	case 2:
		return move(map + offset, page_size());
	default:
		return map_again(map + offset, len, fd, offset);
	}
}

struct mapping {
	char *map;
	size_t page, len;
	__u64 seed;
};

/* While the same process faults; a page may be elsewhere at the moment. */
static void *disturb_beside(void *data)
{
	struct mapping *mapping = data;

	for (;;) {
		size_t at = random_below(&mapping->seed, mapping->len / mapping->page);

		swap_or_unmap(mapping->map + at * mapping->page, mapping->page);
		sched_yield();
	}
	return NULL;
}

/* Runs until it is killed with all its children, or finds an error. */
static int work(int fd, struct board *board, size_t page, size_t len, __u32 writer,
		__u64 seed)
{
	char *map = map_rw(fd, len);
	struct mapping mapping = { map, page, len, seed ^ ~0ULL };
	pthread_t thread;
	int right = map != MAP_FAILED &&
		    !pthread_create(&thread, NULL, disturb_beside, &mapping);

	while (right) {
		size_t number = random_below(&seed, len / page);
		size_t count = 1 + random_below(&seed, UNMAPPED);
		struct record *record = &board->record[number];
		__u64 *words = page_at(map, page, number);

		hold(record, writer);
		right = page_is_right(board, words, page, number);
		if (right && random_below(&seed, 2))
			change_page(board, words, page, number, 1 + random_below(&seed, ~0U));
		if (right && !random_below(&seed, 16))
			right = check_in_child(board, map, page, number);
		give_back(record);
		if (count > len / page - number)
			count = len / page - number;
		if (right && !random_below(&seed, 4) &&
		    !disturb(fd, map, number * page, count * page, &seed)) {
			perror("# disturbing a mapping");
			right = 0;
		}
	}
	return 1;
}

static pid_t start(struct crew *crew, int slot)
{
	__u64 seed = (crew->seed += 2) | 1;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(work(crew->fd, crew->board, crew->page, crew->len, slot + 1, seed));
	}
	setpgid(pid, pid);
	return pid;
}

/* Kill a worker and its child, and finish its work. */
static int stop(struct crew *crew, char *map, int slot)
{
	pid_t worker = crew->worker[slot], pid;
	int status, right = 0;

	kill(-worker, SIGKILL);
	while ((pid = waitpid(-worker, &status, 0)) > 0)
		if (pid == worker)
			right = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return finish_pages(crew->board, map, crew->len, crew->page, slot + 1) && right;
}

static size_t wrong_pages(struct board *board, char *map, size_t len, size_t page)
{
	size_t number, wrong = 0;

	for (number = 0; number < len / page; number++)
		wrong += !page_is_right(board, page_at(map, page, number), page, number);
	return wrong;
}

/* One of two large pages: a process that alone has it mapped can. */
static void part_large_page(struct __test_metadata *_metadata, char *map, size_t len)
{
	long large;

	ASSERT_TRUE(is_zero(map, len));
	large = smaps_kb(map, "FilePmdMapped:");
	EXPECT_EQ(0, madvise(map, page_size(), MADV_PAGEOUT));
	EXPECT_EQ(large ? large - (long)HUGE_SIZE / 1024 : 0,
		  smaps_kb(map, "FilePmdMapped:"));
}

TEST_F_TIMEOUT(churn, pages_hold_what_was_written, 3600)
{
	struct crew *crew = &self->crew;
	const struct timespec while_they_work = { .tv_nsec = 200000000 };
	char *map = map_rw(crew->fd, crew->len);
	time_t end = end_after(SECONDS);
	int slot, kills = 0;
	long swapped = 0;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (!is_pageable())
		part_large_page(_metadata, map, crew->len);
	for (slot = 0; slot < WORKERS; slot++)
		crew->worker[slot] = start(crew, slot);
	for (slot = 0; kills < KILLS || time(NULL) < end; slot = ++kills % WORKERS) {
		nanosleep(&while_they_work, NULL);
		ASSERT_TRUE(stop(crew, map, slot));
		swapped += smaps_kb(map, "Swap:");
		crew->worker[slot] = start(crew, slot);
	}
	for (slot = 0; slot < WORKERS; slot++)
		ASSERT_TRUE(stop(crew, map, slot));
	EXPECT_EQ(0, wrong_pages(crew->board, map, crew->len, crew->page));
	EXPECT_EQ(0, crew->board->wrong);
	EXPECT_GT(crew->board->writes, 0);
	EXPECT_EQ(is_pageable(), swapped > 0);
	TH_LOG("%llu pages written, %llu checked, %d processes killed",
	       (unsigned long long)crew->board->writes,
	       (unsigned long long)crew->board->checks, kills + WORKERS);
}

TEST_HARNESS_MAIN
