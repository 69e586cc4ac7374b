// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process-shared locks in a window, contended by processes that each opened
 * the device themselves: on memory without a mapping glibc would abort here.
 */
#include <pthread.h>
#include <semaphore.h>

#include "device.h"
#include "harness.h"

#define WORKERS	4
#define ROUNDS	200

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	sem_t sem;
	int turn;
	int count;
	int inside;
	int collisions;
};

static struct shared *map_shared(void)
{
	int fd = open(node(), O_RDWR);

	return (struct shared *)map_rw(fd, page_size());
}

FIXTURE(sync) {
	struct shared *shared;
};

FIXTURE_SETUP(sync)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	ASSERT_EQ(0, module_load(""));
	self->shared = map_shared();
	ASSERT_NE(MAP_FAILED, (void *)self->shared);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	ASSERT_EQ(0, pthread_mutex_init(&self->shared->mutex, &mutex));
	ASSERT_EQ(0, pthread_cond_init(&self->shared->cond, &cond));
	ASSERT_EQ(0, sem_init(&self->shared->sem, 1, 1));
}

FIXTURE_TEARDOWN_PARENT(sync)
{
	EXPECT_EQ(0, module_unload());
}

/* Run @work in WORKERS processes with mappings of their own; returns the failures. */
static int run_workers(int (*work)(struct shared *s, int number))
{
	pid_t pid[WORKERS];
	int i, failed = 0;

	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			struct shared *s = map_shared();

			_exit(s == MAP_FAILED || work(s, i));
		}
	}
	for (i = 0; i < WORKERS; i++)
		failed += wait_for(pid[i]) != 0;
	return failed;
}

/* Count without atomic instructions; sleep inside to make the others wait. */
static void critical_section(struct shared *s)
{
	int count = s->count;

	s->collisions += s->inside++;
	if (count % 8 == 0)
		usleep(50);
	s->inside--;
	s->count = count + 1;
}

static int work_mutex(struct shared *s, int number)
{
	int i, err = 0;

	for (i = 0; i < ROUNDS && !err; i++) {
		err = pthread_mutex_lock(&s->mutex);
		critical_section(s);
		pthread_mutex_unlock(&s->mutex);
	}
	return err;
}

TEST_F(sync, mutex_holds_among_processes)
{
	EXPECT_EQ(0, run_workers(work_mutex));
	EXPECT_EQ(WORKERS * ROUNDS, self->shared->count);
	EXPECT_EQ(0, self->shared->collisions);
}

static int work_semaphore(struct shared *s, int number)
{
	int i, err = 0;

	for (i = 0; i < ROUNDS && !err; i++) {
		err = sem_wait(&s->sem);
		critical_section(s);
		sem_post(&s->sem);
	}
	return err;
}

TEST_F(sync, semaphore_holds_among_processes)
{
	EXPECT_EQ(0, run_workers(work_semaphore));
	EXPECT_EQ(WORKERS * ROUNDS, self->shared->count);
	EXPECT_EQ(0, self->shared->collisions);
}

/* The workers take turns: each waits until the one before it is done. */
static int work_condition(struct shared *s, int number)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&s->mutex);
		while (s->turn % WORKERS != number)
			pthread_cond_wait(&s->cond, &s->mutex);
		s->turn++;
		pthread_cond_broadcast(&s->cond);
		pthread_mutex_unlock(&s->mutex);
	}
	return 0;
}

TEST_F(sync, condition_variable_passes_the_turn)
{
	EXPECT_EQ(0, run_workers(work_condition));
	EXPECT_EQ(WORKERS * ROUNDS, self->shared->turn);
}

/* Worker 0 dies with the mutex; one of the others must be told so. */
static int work_robust(struct shared *s, int number)
{
	int err;

	if (!number) {
		pthread_mutex_lock(&s->mutex);
		s->turn = 1;
		usleep(20000);
		kill(getpid(), SIGKILL);
	}
	while (!__atomic_load_n(&s->turn, __ATOMIC_SEQ_CST))
		usleep(100);
	err = pthread_mutex_lock(&s->mutex);
	if (err == EOWNERDEAD) {
		s->count++;
		err = pthread_mutex_consistent(&s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
	return err;
}

TEST_F(sync, robust_mutex_survives_the_death_of_its_holder)
{
	EXPECT_EQ(1, run_workers(work_robust));
	EXPECT_EQ(1, self->shared->count);
}

TEST_HARNESS_MAIN
