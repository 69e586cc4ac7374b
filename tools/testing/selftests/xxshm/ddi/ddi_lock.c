// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of programs that a driver locks: what is refused, what it costs, what the
 * driver sees of it, and what it hears of the program's end. After each test nothing
 * is pinned and nothing is charged.
 */
#include <pthread.h>

#include "../harness.h"
#include "../ledger.h"
#include "locker.h"

#define PAGES		4
#define ROUNDS		200
#define READ_ONLY	DDI_UMEMLOCK_READ
#define WRITE		DDI_UMEMLOCK_WRITE

FIXTURE(lock) {
	int fd;
	int watch;		/* a descriptor that tells the charges */
	size_t page;
	size_t len;
	char *memory;		/* PAGES of the program's own, and a hole behind */
	long pinned;
	long locked;
};

static char *anonymous(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
}

FIXTURE_SETUP(lock)
{
	self->page = page_size();
	self->len = PAGES * self->page;
	ASSERT_EQ(0, driver_load("locker", ""));
	self->fd = open(LOCKER, O_RDWR);
	ASSERT_GE(self->fd, 0);
	self->watch = open(DEVICE, O_RDWR);
	ASSERT_GE(self->watch, 0);
	self->memory = anonymous(2 * self->len);
	ASSERT_EQ(0, munmap(self->memory + self->len, self->len));
	self->pinned = pages_pinned();
	self->locked = pages_locked(self->watch);
}

/* Where a worker unlocks, it is soon done. */
static int is_unlocked(long pinned, long locked)
{
	int watch = open(DEVICE, O_RDWR), i;

	for (i = 0; i < 1000; i++) {
		if (pages_pinned() == pinned && pages_locked(watch) == locked)
			break;
		usleep(10000);
	}
	close(watch);
	return i < 1000;
}

FIXTURE_TEARDOWN_PARENT(lock)
{
	EXPECT_TRUE(is_unlocked(self->pinned, self->locked));
	EXPECT_EQ(0, driver_unload("locker"));
}

#define EXPECT_NOTHING_CHANGED() do {					\
	EXPECT_EQ(self->pinned, pages_pinned());			\
	EXPECT_EQ(self->locked, pages_locked(self->watch));		\
} while (0)

#define EXPECT_LOCKED(npages) do {					\
	EXPECT_EQ(self->pinned + (npages), pages_pinned());		\
	EXPECT_EQ(self->locked + (npages), pages_locked(self->watch));	\
} while (0)

#define CALL(_addr, _len, _flags, _how)					\
	{ .addr = (_addr), .len = (_len), .flags = (_flags), .how = (_how) }

/* Rows 1 to 6 of ddi_umem_lock(9F), before anything is charged or looked at. */
TEST_F(lock, wrong_arguments)
{
	size_t page = self->page;
	const unsigned long good = (unsigned long)self->memory;
	const struct locker_lock wrong[] = {
		CALL(good, page, 0, 0),
		CALL(good, page, 0x8 | READ_ONLY, 0),
		CALL(good, page, DDI_UMEMLOCK_LONGTERM | READ_ONLY, 0),
		CALL(good, page, DDI_UMEMLOCK_LONGTERM, CLEANUP_COUNTS),
		CALL(good, page, 0x8 | READ_ONLY, CLEANUP_COUNTS),
		CALL(good, page, 0, CLEANUP_COUNTS),
		CALL(good + 1, page, READ_ONLY, 0),
		CALL(good + page - 1, page, READ_ONLY, CLEANUP_COUNTS),
		CALL(good, page - 1, READ_ONLY, 0),
		CALL(good, 1, READ_ONLY, 0),
		CALL(good, page, WRITE, CLEANUP_COUNTS | LOCKER_BAD_VERSION),
		CALL(good, page, WRITE, CLEANUP_COUNTS | LOCKER_OF_OTHER),
		CALL(good, page, WRITE | DDI_UMEMLOCK_LONGTERM, LOCKER_MEMORY),
		CALL(good, page, WRITE | DDI_UMEMLOCK_LONGTERM, LOCKER_MEMORY | LOCKER_OPS),
		/* The memory comes later in the order. */
		CALL(1, page, READ_ONLY, 0),
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		EXPECT_EQ(EINVAL, locker_do(self->fd, wrong[i])) TH_LOG("row %zu", i);
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, right_arguments)
{
	const unsigned long good = (unsigned long)self->memory;
	const struct locker_lock right[] = {
		CALL(good, self->page, READ_ONLY, 0),
		CALL(good, self->page, WRITE, 0),
		CALL(good, self->page, READ_ONLY | WRITE, 0),
		CALL(good, self->len, READ_ONLY, LOCKER_MEMORY),
		CALL(good, self->len, WRITE, LOCKER_MEMORY | LOCKER_OPS),
		CALL(good, self->len, WRITE, CLEANUP_COUNTS),
		CALL(good, self->len, READ_ONLY | WRITE | DDI_UMEMLOCK_LONGTERM, CLEANUP_UNLOCKS),
	};
	size_t i;

	for (i = 0; i < sizeof(right) / sizeof(*right); i++) {
		EXPECT_EQ(0, locker_do(self->fd, right[i])) TH_LOG("row %zu", i);
		EXPECT_LOCKED((long)(right[i].len / self->page));
		EXPECT_EQ(0, locker_unlock(self->fd, 0));
		EXPECT_NOTHING_CHANGED();
	}
	EXPECT_EQ(0, locker_cleanups(self->fd));
}

/* With a cleanup function or without, unmapped memory is refused. */
static int lock_both(struct __test_metadata *_metadata, int fd, const char *addr,
		     size_t len, int flags)
{
	struct locker_lock lock = CALL((unsigned long)addr, len, flags, 0);
	int err = locker_do(fd, lock);

	lock.how = CLEANUP_COUNTS;
	EXPECT_EQ(err, locker_do(fd, lock));
	return err;
}

TEST_F(lock, wrong_memory)
{
	char *memory = self->memory, *top = (char *)-self->page;
	size_t page = self->page;

	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, memory, 0, WRITE));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, memory + self->len, page,
				    READ_ONLY));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, memory, self->len + page,
				    READ_ONLY));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, top, page, READ_ONLY));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, top, 2 * page, READ_ONLY));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, NULL, page, WRITE));
	/* The hole comes first. */
	ASSERT_EQ(0, munmap(memory, page));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, memory, 2 * page, WRITE));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, forbidden_memory)
{
	char *memory = self->memory;
	size_t page = self->page;

	ASSERT_EQ(0, mprotect(memory + page, page, PROT_READ));
	ASSERT_EQ(0, mprotect(memory + 2 * page, page, PROT_NONE));
	EXPECT_EQ(EACCES, lock_both(_metadata, self->fd, memory, 2 * page, WRITE));
	EXPECT_EQ(EACCES, lock_both(_metadata, self->fd, memory, 3 * page, READ_ONLY));
	EXPECT_EQ(EACCES, lock_both(_metadata, self->fd, memory, 8 * page, READ_ONLY));
	EXPECT_NOTHING_CHANGED();
	EXPECT_EQ(0, locker_lock(self->fd, 0, memory, 2 * page, READ_ONLY));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
}

/* Each call pays for the whole of its length, whatever was paid before. */
TEST_F(lock, overlap_is_paid_twice)
{
	EXPECT_EQ(0, locker_lock(self->fd, 0, self->memory, self->len, WRITE));
	EXPECT_LOCKED(PAGES);
	EXPECT_EQ(0, locker_lock(self->fd, 1, self->memory + self->page,
				 2 * self->page, READ_ONLY));
	EXPECT_LOCKED(PAGES + 2);
	ASSERT_EQ(0, mlock(self->memory, self->len));
	EXPECT_LOCKED(PAGES + 2);
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_LOCKED(2);
	EXPECT_EQ(0, locker_unlock(self->fd, 1));
	EXPECT_NOTHING_CHANGED();
}

/* A user's locks and mappings have one limit, and up to it is allowed. */
TEST_F(lock, limit_edge)
{
	char *memory = anonymous(2 * LIMIT * self->page), *map;

	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
	EXPECT_EQ(ENOMEM, locker_lock(self->fd, 0, memory, (LIMIT + 1) * self->page,
				      WRITE));
	EXPECT_EQ(0, pages_locked(self->watch));
	EXPECT_EQ(0, locker_lock(self->fd, 0, memory, LIMIT * self->page, WRITE));
	EXPECT_EQ(LIMIT, pages_locked(self->watch));
	EXPECT_EQ(ENOMEM, locker_lock(self->fd, 1, memory, self->page, READ_ONLY));
	EXPECT_EQ(MAP_FAILED, map_rw(self->watch, self->page));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));

	map = map_rw(self->watch, self->page);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(ENOMEM, locker_lock_long(self->fd, 0, memory, LIMIT * self->page,
					   CLEANUP_COUNTS));
	EXPECT_EQ(0, locker_lock_long(self->fd, 0, memory, (LIMIT - 1) * self->page,
				      CLEANUP_COUNTS));
	EXPECT_EQ(LIMIT, pages_locked(self->watch));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_EQ(1, pages_locked(self->watch));
}

/* Another user may unlock: the price goes back to the payer. */
TEST_F(lock, payer_gets_it_back)
{
	pid_t pid = fork();

	if (!pid) {
		if (become_user(USER_A, self->len))
			_exit(1);
		_exit(locker_lock(self->fd, 0, self->memory, self->len, WRITE) ||
		      pages_locked(self->watch) != PAGES);
	}
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EQ(self->locked, pages_locked(self->watch));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_EQ(self->locked, pages_locked(self->watch));
	ASSERT_EQ(0, become_user(USER_A, self->len));
	EXPECT_EQ(0, pages_locked(self->watch));
}

/* What the program writes after the lock, the driver reads; to memory never touched. */
TEST_F(lock, read_intent)
{
	EXPECT_EQ(0, locker_lock(self->fd, 0, self->memory, self->len, READ_ONLY));
	EXPECT_EQ(0, locker_peek(self->fd, 0, self->page));
	self->memory[self->page] = 'a';
	EXPECT_EQ('a', locker_peek(self->fd, 0, self->page));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
}

TEST_F(lock, write_intent)
{
	EXPECT_EQ(0, locker_lock(self->fd, 0, self->memory, self->len, WRITE));
	EXPECT_EQ(0, locker_poke(self->fd, 0, self->page + 1, 'b'));
	EXPECT_EQ('b', self->memory[self->page + 1]);
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_EQ('b', self->memory[self->page + 1]);
}

/* Memory that is shared, and cannot be written to through this mapping at all. */
TEST_F(lock, read_intent_of_shared_memory)
{
	int fd = memfd_create("shared", 0), reader;
	char path[64], *written, *read;

	ASSERT_EQ(0, ftruncate(fd, self->page));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	written = map_rw(fd, self->page);
	read = mmap(NULL, self->page, PROT_READ, MAP_SHARED, reader, 0);
	ASSERT_NE(MAP_FAILED, read);
	EXPECT_EQ(EACCES, locker_lock(self->fd, 0, read, self->page, WRITE));
	ASSERT_EQ(0, locker_lock(self->fd, 0, read, self->page, READ_ONLY));
	*written = 'c';
	EXPECT_EQ('c', locker_peek(self->fd, 0, 0));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
}

/* A window may be locked as well, and is paid for once more. */
TEST_F(lock, window_of_the_device)
{
	char *map = map_rw(self->watch, self->page), *other;

	other = map_rw(self->watch, self->page);
	ASSERT_NE(MAP_FAILED, other);
	ASSERT_EQ(0, locker_lock(self->fd, 0, map, self->page, WRITE));
	EXPECT_EQ(self->locked + 3, pages_locked(self->watch));
	EXPECT_EQ(0, locker_poke(self->fd, 0, 0, 'd'));
	EXPECT_EQ('d', *other);
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
}

/* The program does not wait, and the driver keeps the pages. */
TEST_F(lock, munmap_without_cleanup)
{
	self->memory[0] = 'e';
	ASSERT_EQ(0, locker_lock(self->fd, 0, self->memory, self->len, READ_ONLY));
	EXPECT_EQ(0, munmap(self->memory, self->len));
	EXPECT_LOCKED(PAGES);
	EXPECT_EQ('e', locker_peek(self->fd, 0, 0));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_NOTHING_CHANGED();
}

/* Lock in a child, which then ends, by itself or for another program. */
static int lock_in_child(int fd, char *memory, size_t len, __u32 how,
			 const char *program)
{
	pid_t pid = fork();
	int err;

	if (pid)
		return wait_for(pid);
	memory[0] = 'f';
	err = how ? locker_lock_long(fd, 0, memory, len, how) :
		locker_lock(fd, 0, memory, len, READ_ONLY);
	if (!err && program)
		execl(program, program, NULL);
	_exit(err);
}

TEST_F(lock, exit_without_cleanup)
{
	ASSERT_EQ(0, lock_in_child(self->fd, self->memory, self->len, 0, NULL));
	EXPECT_LOCKED(PAGES);
	EXPECT_EQ('f', locker_peek(self->fd, 0, 0));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, exec_without_cleanup)
{
	ASSERT_EQ(0, lock_in_child(self->fd, self->memory, self->len, 0, "/bin/true"));
	EXPECT_LOCKED(PAGES);
	EXPECT_EQ('f', locker_peek(self->fd, 0, 0));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_NOTHING_CHANGED();
}

/* The driver goes on with the parent's pages; the child has copies, and pays nothing. */
TEST_F(lock, fork_keeps_the_pages)
{
	int status;
	pid_t pid;

	self->memory[0] = 'g';
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_UNLOCKS));
	pid = fork();
	if (!pid) {
		self->memory[0] = 'h';
		_exit(0);
	}
	status = wait_for(pid);
	EXPECT_EQ(0, status);
	EXPECT_LOCKED(PAGES);
	EXPECT_EQ('g', locker_peek(self->fd, 0, 0));
	self->memory[0] = 'i';
	EXPECT_EQ('i', locker_peek(self->fd, 0, 0));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_EQ(0, locker_cleanups(self->fd));
}

/* Slot and memory of a lock whose cleanup function is called for certain. */
#define SENTINEL	(LOCKER_SLOTS - 1)

/*
 * So many calls of cleanup functions, and no more: what was to be called by mistake
 * would have been called before one that comes later.
 */
static int has_cleanups(int fd, int number)
{
	static int sentinels;
	char *memory = anonymous(page_size());
	int i;

	for (i = 0; i < 1000 && locker_cleanups(fd) < number + sentinels; i++)
		usleep(10000);
	if (locker_lock_long(fd, SENTINEL, memory, page_size(), CLEANUP_COUNTS))
		return 0;
	munmap(memory, page_size());
	sentinels++;
	for (i = 0; i < 1000 && locker_cleanups(fd) < number + sentinels; i++)
		usleep(10000);
	usleep(20000);
	return !locker_unlock(fd, SENTINEL) &&
	       locker_cleanups(fd) == number + sentinels;
}

/* VmPin of the calling process, in pages, as for io_uring and RDMA. */
static long own_pinned(void)
{
	return read_number("/proc/self/status", "VmPin:") * 1024 / (long)page_size();
}

TEST_F(lock, is_seen_in_vmpin)
{
	EXPECT_EQ(0, own_pinned());
	ASSERT_EQ(0, locker_lock(self->fd, 0, self->memory, self->len, WRITE));
	EXPECT_EQ(PAGES, own_pinned());
	ASSERT_EQ(0, locker_lock(self->fd, 1, self->memory, self->page, READ_ONLY));
	EXPECT_EQ(PAGES + 1, own_pinned());
	EXPECT_EQ(EFAULT, locker_lock(self->fd, 2, self->memory,
				      self->len + self->page, WRITE));
	EXPECT_EQ(PAGES + 1, own_pinned());
	ASSERT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_EQ(1, own_pinned());
	ASSERT_EQ(0, locker_unlock(self->fd, 1));
	EXPECT_EQ(0, own_pinned());
}

/* Not in the counter of another process or worker that unlocks. */
TEST_F(lock, is_seen_in_vmpin_of_its_own_process)
{
	ASSERT_EQ(0, locker_lock(self->fd, 1, self->memory, self->len, WRITE));
	ASSERT_EQ(0, lock_in_child(self->fd, self->memory, self->len,
				   CLEANUP_UNLOCKS, NULL));
	EXPECT_EQ(PAGES, own_pinned());
	ASSERT_EQ(0, ioctl(self->fd, LOCKER_IOC_UNLOCK_LATER, 1));
	EXPECT_TRUE(is_unlocked(self->pinned, self->locked));
	EXPECT_EQ(0, own_pinned());
}

/* The process is gone, and what counted its pages is not: that goes with the lock. */
TEST_F(lock, vmpin_of_a_process_that_is_gone)
{
	int slot;

	for (slot = 0; slot < 3; slot++) {
		pid_t pid = fork();

		if (!pid)
			_exit(locker_lock(self->fd, slot, self->memory, self->len,
					  WRITE));
		ASSERT_EQ(0, wait_for(pid));
	}
	EXPECT_EQ(0, own_pinned());
	for (slot = 0; slot < 3; slot++)
		EXPECT_EQ(0, locker_unlock(self->fd, slot));
	EXPECT_EQ(0, own_pinned());
}

TEST_F(lock, cleanup_on_munmap)
{
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_UNLOCKS));
	ASSERT_EQ(0, munmap(self->memory, self->len));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	EXPECT_NOTHING_CHANGED();
	EXPECT_EQ(-1, locker_unlock(self->fd, 0));
	EXPECT_EQ(ENOENT, errno);
}

/* Piece by piece, it is called once; until the driver unlocks, all stays locked. */
TEST_F(lock, cleanup_is_called_once)
{
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_COUNTS));
	ASSERT_EQ(0, munmap(self->memory + self->page, self->page));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	ASSERT_EQ(0, munmap(self->memory, self->len));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	EXPECT_LOCKED(PAGES);
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, cleanup_on_mremap)
{
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->page,
				      CLEANUP_UNLOCKS));
	ASSERT_NE(MAP_FAILED, mremap(self->memory, self->page, self->page,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     self->memory + self->len));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, cleanup_on_map_fixed)
{
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_UNLOCKS));
	ASSERT_NE(MAP_FAILED, mmap(self->memory, self->page, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, cleanup_on_exit)
{
	ASSERT_EQ(0, lock_in_child(self->fd, self->memory, self->len,
				   CLEANUP_UNLOCKS, NULL));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lock, cleanup_on_exec)
{
	ASSERT_EQ(0, lock_in_child(self->fd, self->memory, self->len,
				   CLEANUP_UNLOCKS, "/bin/true"));
	EXPECT_TRUE(has_cleanups(self->fd, 1));
	EXPECT_NOTHING_CHANGED();
}

/* What leaves the memory where it is, and what happens beside it, is no end of it. */
TEST_F(lock, no_cleanup_for_less)
{
	char *middle = self->memory + self->page;
	pid_t pid;

	ASSERT_EQ(0, locker_lock_long(self->fd, 0, middle, self->page,
				      CLEANUP_UNLOCKS));
	ASSERT_EQ(0, munmap(self->memory, self->page));
	ASSERT_EQ(0, munmap(middle + self->page, self->page));
	ASSERT_EQ(0, mprotect(middle, self->page, PROT_NONE));
	ASSERT_EQ(0, mprotect(middle, self->page, PROT_READ | PROT_WRITE));
	pid = fork();
	if (!pid)
		_exit(munmap(middle, self->page));
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_TRUE(has_cleanups(self->fd, 0));
	EXPECT_LOCKED(1);
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	ASSERT_EQ(0, munmap(middle, self->page));
	EXPECT_TRUE(has_cleanups(self->fd, 0));
}

/* From a timer the driver cannot sleep. */
TEST_F(lock, unlock_from_a_timer)
{
	ASSERT_EQ(0, locker_lock(self->fd, 0, self->memory, self->len, WRITE));
	ASSERT_EQ(0, ioctl(self->fd, LOCKER_IOC_UNLOCK_LATER, 0));
	EXPECT_TRUE(is_unlocked(self->pinned, self->locked));
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_UNLOCKS));
	ASSERT_EQ(0, ioctl(self->fd, LOCKER_IOC_UNLOCK_LATER, 0));
	EXPECT_TRUE(is_unlocked(self->pinned, self->locked));
	EXPECT_TRUE(has_cleanups(self->fd, 0));
}

/* Nor with interrupts off. */
TEST_F(lock, unlock_with_interrupts_off)
{
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_UNLOCKS));
	ASSERT_EQ(0, ioctl(self->fd, LOCKER_IOC_UNLOCK_IRQS_OFF, 0));
	EXPECT_TRUE(is_unlocked(self->pinned, self->locked));
	EXPECT_TRUE(has_cleanups(self->fd, 0));
}

/* An unlocked cookie is not heard of again, whenever the timer came. */
TEST_F(lock, unlock_from_a_timer_beside_munmap)
{
	int round;

	for (round = 0; round < 50; round++) {
		char *memory = anonymous(self->len);

		ASSERT_EQ(0, locker_lock_long(self->fd, 0, memory, self->len,
					      CLEANUP_UNLOCKS));
		/* The slot is empty from here on: cleanup() would not find it. */
		ASSERT_EQ(0, ioctl(self->fd, LOCKER_IOC_UNLOCK_LATER, 0));
		usleep(round % 10 * 1000);
		ASSERT_EQ(0, munmap(memory, self->len));
		ASSERT_TRUE(is_unlocked(self->pinned, self->locked));
	}
	EXPECT_TRUE(has_cleanups(self->fd, 0));
}

/* A driver that frees all its cookies in one way. */
TEST_F(lock, free_unlocks)
{
	ASSERT_EQ(0, locker_lock_long(self->fd, 0, self->memory, self->len,
				      CLEANUP_UNLOCKS));
	ASSERT_EQ(0, ioctl(self->fd, LOCKER_IOC_FREE, 0));
	EXPECT_NOTHING_CHANGED();
	ASSERT_EQ(0, munmap(self->memory, self->len));
	EXPECT_TRUE(has_cleanups(self->fd, 0));
}

TEST_F(lock, much_memory)
{
	const size_t len = 64 << 20;
	char *memory = anonymous(len);

	ASSERT_NE(MAP_FAILED, memory);
	ASSERT_EQ(0, locker_lock(self->fd, 0, memory, len, WRITE));
	EXPECT_LOCKED((long)(len / self->page));
	EXPECT_EQ(0, locker_poke(self->fd, 0, len - 1, 'j'));
	EXPECT_EQ('j', memory[len - 1]);
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
	EXPECT_NOTHING_CHANGED();
}

/* All but the last page are pinned when that turns out to be behind the file's end. */
TEST_F(lock, much_memory_but_a_page)
{
	const size_t len = 16 << 20;
	int fd = memfd_create("short", 0);
	char *memory;

	ASSERT_EQ(0, ftruncate(fd, len - self->page));
	memory = map_rw(fd, len);
	ASSERT_NE(MAP_FAILED, memory);
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, memory, len, WRITE));
	EXPECT_EQ(EFAULT, lock_both(_metadata, self->fd, memory, len, READ_ONLY));
	EXPECT_NOTHING_CHANGED();
	EXPECT_EQ(0, locker_lock(self->fd, 0, memory, len - self->page, WRITE));
	EXPECT_EQ(0, locker_unlock(self->fd, 0));
}

static volatile int is_over;

static void *unlock_at_once(void *fd)
{
	while (!is_over)
		locker_unlock(*(int *)fd, 0);
	return NULL;
}

/* A driver may unlock as soon as it has the cookie, before the call has returned. */
TEST_F(lock, unlock_beside_lock)
{
	pthread_t thread;
	int round;

	is_over = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, unlock_at_once, &self->fd));
	for (round = 0; round < 10 * ROUNDS; round++) {
		/* Until the slot is empty again. */
		while (locker_lock_long(self->fd, 0, self->memory, self->len,
					round % 2 ? CLEANUP_COUNTS : CLEANUP_UNLOCKS))
			ASSERT_EQ(EBUSY, errno);
	}
	is_over = 1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	locker_unlock(self->fd, 0);
	EXPECT_TRUE(has_cleanups(self->fd, 0));
	EXPECT_NOTHING_CHANGED();
}

/* Maps and unmaps, where another thread locks. */
static void *come_and_go(void *memory)
{
	size_t len = PAGES * page_size();

	while (!is_over) {
		mmap(memory, len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		usleep(1);
		munmap(memory, len);
	}
	return NULL;
}

/* Some locks find the memory and some do not; each ends by one of the two. */
TEST_F(lock, beside_munmap)
{
	int had = 0, lacked = 0, cleaned = 0, round;
	time_t end = time(NULL) + 60;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, come_and_go, self->memory));
	for (round = 0; time(NULL) < end && !(round > ROUNDS && had && lacked && cleaned);
	     round++) {
		int err = locker_lock_long(self->fd, 0, self->memory, self->len,
					   CLEANUP_UNLOCKS);

		EXPECT_TRUE(err == 0 || err == EFAULT) TH_LOG("%s", strerror(err));
		had += !err;
		lacked += err == EFAULT;
		if (!err && locker_unlock(self->fd, 0))
			cleaned++;
	}
	is_over = 1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	TH_LOG("%d rounds: %d had, %d lacked, %d cleaned up", round, had, lacked, cleaned);
	EXPECT_GT(had, 0);
	EXPECT_GT(lacked, 0);
	EXPECT_GT(cleaned, 0);
}

/* Lock, say so, and end, at once or when told to. */
static void lock_and_exit(int fd, int slot, char *memory, size_t len, int to_parent,
			  int from_parent)
{
	char byte = !!locker_lock_long(fd, slot, memory, len, CLEANUP_UNLOCKS);

	if (write(to_parent, &byte, 1) != 1 || read(from_parent, &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

/*
 * The driver unlocks while the program that had it locked ends. Either it or the
 * cleanup function is who does, and each of them is at times.
 */
TEST_F(lock, beside_exit)
{
	int to_parent[2], to_child[2], cleanups, cleaned = 0, unlocked = 0, round;
	time_t end = time(NULL) + 60;
	char byte;

	ASSERT_EQ(0, pipe(to_parent));
	ASSERT_EQ(0, pipe(to_child));
	for (round = 0; time(NULL) < end && !(round > 20 && cleaned && unlocked); round++) {
		int slot = round % LOCKER_SLOTS, by_us;
		pid_t pid = fork();

		if (!pid)
			lock_and_exit(self->fd, slot, self->memory, self->len,
				      to_parent[1], to_child[0]);
		ASSERT_EQ(1, read(to_parent[0], &byte, 1));
		ASSERT_EQ(0, byte);
		cleanups = locker_cleanups(self->fd);
		if (round % 2)
			kill(pid, SIGKILL);
		else
			ASSERT_EQ(1, write(to_child[1], "x", 1));
		usleep(round / 2 % 20 * 1000);
		by_us = !locker_unlock(self->fd, slot);
		wait_for(pid);
		ASSERT_TRUE(is_unlocked(self->pinned, self->locked));
		ASSERT_EQ(cleanups + !by_us, locker_cleanups(self->fd));
		unlocked += by_us;
		cleaned += !by_us;
	}
	TH_LOG("%d rounds: %d times unlocked before, %d cleaned up", round, unlocked, cleaned);
	EXPECT_GT(unlocked, 0);
	EXPECT_GT(cleaned, 0);
}

TEST_HARNESS_MAIN
