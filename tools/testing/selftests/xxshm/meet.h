/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes or threads that have to meet at one moment. They go through rounds together,
 * a pair on processors of its own. Without rounds they would meet too seldom, above all
 * under emulation.
 */
#ifndef _SELFTESTS_XXSHM_MEET_H
#define _SELFTESTS_XXSHM_MEET_H

#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

#define ENOUGH_HITS	5	/* rounds in which each of a pair must have been first */

/*
 * In memory that all members share. @skew: member 0 begins this many turns of a loop after
 * member 1, see meet_askew(). @got: results of the two of a pair. @ends: for
 * came_second().
 */
struct meeting {
	__u32 size;
	__u32 arrived;
	__u32 over;
	__u32 rounds;
	__u32 rounds_min;
	__u32 rounds_max;
	int seconds;
	int is_aimed;
	int first;
	long skew;
	long step;
	__u32 won[2];
	__u32 got[2];
	__u32 ends;
	time_t start;
};

/*
 * It ends after this many rounds or, on a busy machine, after this many seconds. But first
 * @rounds_min rounds must have passed, and a pair that aims must have hit; there is more
 * time for that.
 */
static inline struct meeting *meeting_new(__u32 size, __u32 rounds, int seconds)
{
	struct meeting *meeting = mmap(NULL, sizeof(*meeting),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (meeting == MAP_FAILED)
		return NULL;
	*meeting = (struct meeting){
		.size = size, .rounds_max = rounds, .seconds = seconds,
		.step = 1024, .start = time(NULL)
	};
	return meeting;
}

/*
 * Go on together with the others. Spin for members that come soon; yield the processor to
 * slow ones, and in a crowd with more members than processors.
 */
static inline void meet(struct meeting *meeting)
{
	long patience = meeting->size > 2 ? 0 : 1000000;
	__u32 n = __atomic_add_fetch(&meeting->arrived, 1, __ATOMIC_SEQ_CST);
	__u32 all = (n + meeting->size - 1) / meeting->size * meeting->size;

	while (__atomic_load_n(&meeting->arrived, __ATOMIC_SEQ_CST) < all)
		if (patience-- <= 0)
			usleep(100);
}

/* One of a pair a little later than the other. */
static inline void meet_askew(struct meeting *meeting, int self)
{
	volatile long delay = self ? -meeting->skew : meeting->skew;

	meet(meeting);
	while (delay-- > 0)
		;
}

/*
 * Tell which of a pair was first. It begins later the next time: by more and more until
 * the other one is first, and then by little. So they come close to each other on any
 * machine, and each is first about as often.
 */
static inline void aim(struct meeting *meeting, int first)
{
	const long farthest = 1 << 22;

	meeting->step = first == meeting->first ? meeting->step * 2 :
						  meeting->step / 4 + 1;
	if (meeting->step > farthest)
		meeting->step = farthest;
	meeting->skew += first ? -meeting->step : meeting->step;
	meeting->first = first;
	meeting->is_aimed = 1;
	meeting->won[first]++;
}

/* For a pair that does the same once a round: was the other member first? */
static inline int came_second(struct meeting *meeting)
{
	return __atomic_fetch_add(&meeting->ends, 1, __ATOMIC_SEQ_CST) % 2;
}

static inline int is_over(const struct meeting *meeting)
{
	time_t seconds = time(NULL) - meeting->start;
	__u32 hits = meeting->won[0] < meeting->won[1] ? meeting->won[0] :
							 meeting->won[1];

	if (meeting->rounds > meeting->rounds_max)
		return 1;
	if (meeting->rounds <= meeting->rounds_min)
		return 0;
	if (meeting->is_aimed && hits <= ENOUGH_HITS)
		return seconds > 100 * meeting->seconds;
	return seconds > meeting->seconds;
}

/*
 * Begin a round together, or end. Member 0 decides, after all others have left the round
 * before.
 */
static inline int begin(struct meeting *meeting, int self)
{
	int over;

	if (!self) {
		meeting->rounds++;
		meeting->over = is_over(meeting);
		if (!meeting->is_aimed)
			meeting->skew = 128L - (long)(meeting->rounds % 256);
	}
	meet(meeting);
	over = meeting->over;
	meet_askew(meeting, self);
	return !over;
}

/* The calling thread on a processor of its own, if there is more than one. */
static inline void pin(int self)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(self % sysconf(_SC_NPROCESSORS_ONLN), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("pin");
}

/* Fork: returns 0 in one and 1 in the other, each on a processor of its own. */
static inline int fork_pair(pid_t *pid)
{
	int self;

	*pid = fork();
	if (*pid < 0)
		perror("fork_pair");
	self = !*pid;
	pin(self);
	return self;
}

/* After aiming: each was first often enough. */
#define EXPECT_HITS(meeting)						\
do {									\
	TH_LOG("0 was first %u times, 1 %u times",			\
	       (meeting)->won[0], (meeting)->won[1]);			\
	EXPECT_GT((meeting)->won[0], ENOUGH_HITS);			\
	EXPECT_GT((meeting)->won[1], ENOUGH_HITS);			\
} while (0)

#endif /* _SELFTESTS_XXSHM_MEET_H */
