// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of the processes of a random walk, built for every data model:
 *
 *   walker SLOT MEMORY
 *
 * SLOT is its number, MEMORY the descriptor of the struct walk. When it has the turn, it
 * takes some steps, repeats each on the model, and compares. At the first difference it
 * prints a message and stops.
 */
#include <sched.h>

#include "walk.h"

/* Far from all mappings that the kernel places by itself. */
#define ARENA	((char *)(IS_ILP32 ? 0x60000000UL : 0x6000UL << 16 << 16))

static struct walk *walk;
static struct walker *self;
static __u32 slot;
static int device, memory;

static __u32 below(__u32 limit)
{
	return walk_random(walk, limit);
}

static char *address(__u32 page)
{
	return ARENA + page * page_size();
}

/* A difference; the numbers are an errno or bytes. */
static void differs(const char *what, long found, long expected)
{
	if (walk->failed)
		return;
	snprintf(walk->message, sizeof(walk->message),
		 "%s: %ld, the model says %ld", what, found, expected);
	walk->failed = 1;
}

/* Compare the result of a call, 0 or an errno, with the model. */
static void expect(const char *what, int got, int expected)
{
	if (got != expected)
		differs(what, got, expected);
}

static int error_of(int failed)
{
	return failed ? errno : 0;
}

/* A random end, in the arena, of a range that begins with a page. */
static __u32 choose_end(__u32 first, __u32 longest)
{
	__u32 end = first + 1 + below(longest);

	return end < ARENA_PAGES ? end : ARENA_PAGES;
}

/* A random page that is mapped, ARENA_PAGES if none is. */
static __u32 choose_page(void)
{
	__u32 start = below(ARENA_PAGES), i;

	for (i = 0; i < ARENA_PAGES; i++)
		if (self->page[(start + i) % ARENA_PAGES].charge)
			return (start + i) % ARENA_PAGES;
	return ARENA_PAGES;
}

/* A random part of a random VMA, and where that VMA ends. */
static int choose_part(__u32 *first, __u32 *end, __u32 *last)
{
	__u32 vma;

	*first = choose_page();
	if (*first == ARENA_PAGES)
		return 0;
	vma = self->page[*first].vma;
	for (*last = *first; *last < ARENA_PAGES; ++*last)
		if (!self->page[*last].charge || self->page[*last].vma != vma)
			break;
	*end = *first + 1 + below(*last - *first);
	return 1;
}

static void renumber(__u32 first, __u32 end)
{
	__u32 vma = ++walk->last_vma;

	for (; first < end; first++)
		self->page[first].vma = vma;
}

/* Over old mappings: they are gone even if the new mapping is refused. */
static int step_map(void)
{
	__u32 first, end, price, charge, writable = below(2), vma;
	int expected, got;
	char *map;

	first = below(ARENA_PAGES);
	end = choose_end(first, 8);
	price = end - first;
	map = mmap(address(first), price * page_size(),
		   PROT_READ | (writable ? PROT_WRITE : 0),
		   MAP_SHARED | MAP_FIXED, device,
		   below(WINDOW_PAGES - price + 1) * page_size());
	got = error_of(map == MAP_FAILED);
	walk_clear(walk, self, first, end);
	expected = walk->used[self->user] + price > self->limit ? EAGAIN : 0;
	walk->refused += !!expected;
	expect("mmap", got, expected);
	if (expected)
		return 1;
	charge = walk_charge(walk, self->user, price);
	vma = ++walk->last_vma;
	for (; first < end; first++)
		walk_set(walk, &self->page[first],
			 (struct walk_page){ charge, vma, writable });
	return 1;
}

static int step_unmap(void)
{
	__u32 first, end;

	first = choose_page();
	if (first == ARENA_PAGES)
		return 0;
	end = choose_end(first, 12);
	expect("munmap", error_of(munmap(address(first),
					 (end - first) * page_size())), 0);
	walk_clear(walk, self, first, end);
	return 1;
}

/* To a random place that does not overlap, over old mappings. */
static int step_move(void)
{
	__u32 first, end, last, len, to, i;
	char *moved;

	if (!choose_part(&first, &end, &last))
		return 0;
	len = end - first;
	to = below(ARENA_PAGES - len + 1);
	if (to < end && first < to + len)
		return 0;
	moved = mremap(address(first), len * page_size(), len * page_size(),
		       MREMAP_MAYMOVE | MREMAP_FIXED, address(to));
	expect("mremap, moving", error_of(moved == MAP_FAILED), 0);
	for (i = 0; i < len; i++)
		walk_set(walk, &self->page[to + i], self->page[first + i]);
	walk_clear(walk, self, first, end);
	renumber(to, to + len);
	return 1;
}

static int step_shrink(void)
{
	__u32 first, end, last;
	char *shrunk;

	if (!choose_part(&first, &end, &last))
		return 0;
	shrunk = mremap(address(first), (last - first) * page_size(),
			(end - first) * page_size(), 0);
	expect("mremap, shrinking", error_of(shrunk == MAP_FAILED), 0);
	walk_clear(walk, self, end, last);
	return 1;
}

/* Splits the VMA, and nothing ever joins it again. */
static int step_protect(void)
{
	__u32 first, end, last, i;

	if (!choose_part(&first, &end, &last))
		return 0;
	expect("mprotect",
	       error_of(mprotect(address(first), (end - first) * page_size(),
				 self->page[first].writable ? PROT_READ :
				 PROT_READ | PROT_WRITE)), 0);
	for (i = first; i < end; i++)
		self->page[i].writable = !self->page[i].writable;
	renumber(first, end);
	renumber(end, last);
	return 1;
}

static int step_touch(void)
{
	__u32 page = choose_page();
	volatile char *at = address(page);

	if (page == ARENA_PAGES)
		return 0;
	if (self->page[page].writable)
		*at = page;
	else
		(void)*at;
	return 1;
}

/* The real user changes: another user pays from now on. */
static int step_setuid(void)
{
	self->user = below(USERS);
	expect("setresuid",
	       error_of(setresuid(walk_uid(self->user), 0, 0)), 0);
	return 1;
}

static int step_limit(void)
{
	self->limit = below(LIMITS);
	expect("setrlimit", error_of(set_memlock(self->limit * page_size())), 0);
	return 1;
}

static int step_bad(void)
{
	size_t page = page_size();
	char *map;

	switch (below(3)) {
	case 0:
		map = map_rw(device, (WINDOW_PAGES + 1) * page);
		expect("mmap, too long", error_of(map == MAP_FAILED), ENXIO);
		break;
	case 1:
		map = mmap(NULL, page, PROT_READ, MAP_PRIVATE, device, 0);
		expect("mmap, private", error_of(map == MAP_FAILED), EINVAL);
		break;
	case 2:
		map = map_device(device, page, PROT_READ | PROT_EXEC, 0);
		expect("mmap, executable", error_of(map == MAP_FAILED), EACCES);
		break;
	}
	return 1;
}

/* Mappings through the old descriptor stay. */
static int step_reopen(void)
{
	close(device);
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	expect("open", error_of(device < 0), 0);
	return 1;
}

/* Go on as a program of any data model, with an empty arena. */
static int step_exec(void)
{
	const char *path = walker_path[below(MODELS)];

	walk_clear(walk, self, 0, ARENA_PAGES);
	walk_count(walk, STEP_EXEC);
	walk_exec(path, slot, memory);
	expect("exec", errno, 0);
	return 0;
}

/* The ledger of the walker's user, in bytes. */
static void compare(const char *after)
{
	long expected = walk->used[self->user] * (long)page_size();
	long found = user_locked(device);

	if (found != expected)
		differs(after, found, expected);
}

static const struct {
	const char *name;
	int (*take)(void);	/* returns 1 if it could do something */
	__u32 weight;
} kinds[] = {
	[STEP_MAP]	= { "ledger after map",		step_map,	300 },
	[STEP_UNMAP]	= { "ledger after unmap",	step_unmap,	150 },
	[STEP_MOVE]	= { "ledger after move",	step_move,	200 },
	[STEP_SHRINK]	= { "ledger after shrink",	step_shrink,	80 },
	[STEP_PROTECT]	= { "ledger after protect",	step_protect,	130 },
	[STEP_TOUCH]	= { "ledger after touch",	step_touch,	50 },
	[STEP_SETUID]	= { "ledger after setuid",	step_setuid,	25 },
	[STEP_LIMIT]	= { "ledger after limit",	step_limit,	25 },
	[STEP_BAD]	= { "ledger after bad",		step_bad,	25 },
	[STEP_REOPEN]	= { "ledger after reopen",	step_reopen,	10 },
	[STEP_EXEC]	= { "ledger after exec",	step_exec,	5 },
};

static void take_step(void)
{
	__u32 dice = below(1000), kind = 0;

	while (dice >= kinds[kind].weight)
		dice -= kinds[kind++].weight;
	if (kinds[kind].take())
		walk_count(walk, kind);
	compare(kinds[kind].name);
}

/* The child is the other slot, with all that this one has. */
static void fork_into(__u32 other)
{
	struct walker *child = &walk->walker[other];
	long pid;
	__u32 i;

	walk_count(walk, STEP_FORK);
	child->user = self->user;
	child->limit = self->limit;
	for (i = 0; i < ARENA_PAGES; i++)
		walk_set(walk, &child->page[i], self->page[i]);
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	expect("fork", error_of(pid < 0), 0);
	if (pid) {
		child->pid = pid;
		compare("ledger after fork");
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	slot = other;
	self = child;
	walk_wait(walk, slot);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	slot = atoi(argv[1]);
	memory = atoi(argv[2]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	walk = mmap(NULL, sizeof(*walk), PROT_READ | PROT_WRITE, MAP_SHARED,
		    memory, 0);
	if (walk == MAP_FAILED)
		return 2;
	self = &walk->walker[slot];
	device = open(DEVICE, O_RDWR | O_CLOEXEC);
	expect("open", error_of(device < 0), 0);
	compare("ledger after exec");
	for (;;) {
		__u32 i, mine = slot, count = 1 + below(24);

		if (walk->fork_into != COORDINATOR) {
			__u32 other = walk->fork_into;

			walk->fork_into = COORDINATOR;
			fork_into(other);
			if (slot != mine)
				continue;
		}
		for (i = 0; i < count && !walk->failed; i++)
			take_step();
		walk_pass(walk, COORDINATOR);
		walk_wait(walk, slot);
	}
}
