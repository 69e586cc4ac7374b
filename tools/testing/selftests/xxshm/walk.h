/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model that a random walk through the accounting is compared with.
 *
 * Eight walkers, processes of all data models, take turns: each maps, unmaps, moves,
 * splits, forks, execs... pages of an arena of its own. The expected ledger follows from
 * one rule: a charge lives as long as any walker has a page of the mapping that paid it.
 * All walkers share the memory of the model, and of the random numbers: the same seed
 * takes the same steps.
 */
#ifndef _SELFTESTS_XXSHM_WALK_H
#define _SELFTESTS_XXSHM_WALK_H

#include <linux/futex.h>
#include <time.h>

#include "ledger.h"

#define WALKERS		8
#define USERS		2
#define ARENA_PAGES	32
#define WINDOW_PAGES	16
#define CHARGES		(WALKERS * ARENA_PAGES + 1)	/* 0 is none */
#define MODELS		3
#define LIMITS		160	/* pages: a random limit is below */
#define COORDINATOR	WALKERS		/* also a value of the turn */
#define FUTEX_SECONDS	20

static const char *const walker_path[MODELS] = {
	"../lp64/walker", "../ia32/walker", "../x32/walker"
};

/* The kinds of steps. */
enum {
	STEP_MAP, STEP_UNMAP, STEP_MOVE, STEP_SHRINK, STEP_PROTECT, STEP_TOUCH,
	STEP_SETUID, STEP_LIMIT, STEP_BAD, STEP_REOPEN, STEP_EXEC, STEP_FORK,
	STEP_KILL, KINDS
};

/* A page of an arena. Pages of one VMA have the same number. */
struct walk_page {
	__u32 charge;
	__u32 vma;
	__u32 writable;
};

struct walker {
	__s32 pid;
	__u32 user;	/* index of the real user */
	__u32 limit;	/* in pages */
	struct walk_page page[ARENA_PAGES];
};

struct walk_charge {
	__u32 holders;	/* pages of all walkers */
	__u32 price;	/* in pages */
	__u32 user;
};

struct walk {
	__aligned_u64 random;
	__u32 turn;		/* futex: whose */
	__u32 fork_into;	/* for the walker: fork into this slot, or none */
	__u32 steps;		/* calls that were made and compared */
	__u32 taken[KINDS];	/* the same by kind */
	__u32 refused;		/* mappings, by the limit */
	__u32 failed;
	__u32 last_vma;
	__u32 used[USERS];	/* what the ledgers must hold, in pages */
	struct walk_charge charge[CHARGES];
	struct walker walker[WALKERS];
	char message[256];
};

static inline __u32 walk_random(struct walk *walk, __u32 below)
{
	__u64 state = walk->random;
	__u32 chosen = random_below(&state, below);

	walk->random = state;
	return chosen;
}

/* Become the walker of a slot; returns only if that fails. */
static inline void walk_exec(const char *path, __u32 slot, int memory)
{
	char number[16], fd[16];

	snprintf(number, sizeof(number), "%u", slot);
	snprintf(fd, sizeof(fd), "%d", memory);
	execl(path, path, number, fd, NULL);
}

static inline uid_t walk_uid(__u32 user)
{
	return USER_A + user;
}

/* The page now belongs to another charge, or to none. */
static inline void walk_set(struct walk *walk, struct walk_page *page,
			    struct walk_page new)
{
	struct walk_charge *old = &walk->charge[page->charge];

	if (new.charge)
		walk->charge[new.charge].holders++;
	if (page->charge && --old->holders == 0)
		walk->used[old->user] -= old->price;
	*page = new;
}

static inline void walk_clear(struct walk *walk, struct walker *w, __u32 first,
			      __u32 end)
{
	for (; first < end; first++)
		walk_set(walk, &w->page[first], (struct walk_page){});
}

/* A charge without pages yet: they come next. */
static inline __u32 walk_charge(struct walk *walk, __u32 user, __u32 price)
{
	__u32 i = 1;

	while (walk->charge[i].holders)
		i++;
	walk->charge[i].user = user;
	walk->charge[i].price = price;
	walk->used[user] += price;
	return i;
}

static inline void walk_count(struct walk *walk, __u32 kind)
{
	walk->steps++;
	walk->taken[kind]++;
}

/* Give the turn away. */
static inline void walk_pass(struct walk *walk, __u32 to)
{
	__atomic_store_n(&walk->turn, to, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &walk->turn, FUTEX_WAKE, WALKERS + 1, NULL, NULL, 0);
}

/* Wait for one's turn. Returns -1 if it did not come. */
static inline int walk_wait(struct walk *walk, __u32 self)
{
	struct timespec limit = { .tv_sec = FUTEX_SECONDS };
	__u32 turn;

	while ((turn = __atomic_load_n(&walk->turn, __ATOMIC_SEQ_CST)) != self)
		if (syscall(SYS_futex, &walk->turn, FUTEX_WAIT, turn, &limit,
			    NULL, 0) && errno == ETIMEDOUT && self == COORDINATOR)
			return -1;
	return 0;
}

#endif /* _SELFTESTS_XXSHM_WALK_H */
