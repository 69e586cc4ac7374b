// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling: the task that first needs a range gives it all its pages, once.
 *
 * Other tasks that need the range wait. The first one may be slow: the administrator
 * may have throttled it (cpu.max), or its memory cgroup may have to reclaim memory. So
 * after FILL_PATIENCE the others help. They hold no lock while they wait.
 *
 * Each task pays for the pages that it adds. If the last task gives up, the range is
 * emptied again.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "fill.h"

/* Most ranges are full by then. */
#define FILL_PATIENCE	HZ

/* One queue for all ranges: waiting is rare. */
static DECLARE_WAIT_QUEUE_HEAD(fill_wait_queue);

/**
 * xxshm_fill_init() - initialise an empty range
 * @fill: the range
 *
 * Context: Before anybody else knows of @fill.
 */
void xxshm_fill_init(struct xxshm_fill *fill)
{
	mutex_init(&fill->lock);
	fill->is_full = false;
	fill->fillers = 0;
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_fill_init);

/**
 * xxshm_fill_destroy() - the opposite of xxshm_fill_init()
 * @fill: the range; nobody uses it any more
 *
 * Context: Any.
 */
void xxshm_fill_destroy(struct xxshm_fill *fill)
{
	mutex_destroy(&fill->lock);
}

/**
 * xxshm_fill_is_full() - does the range have its pages?
 * @fill: the range
 *
 * Context: Any.
 * Return: true if it has; from then on it always has.
 */
bool xxshm_fill_is_full(struct xxshm_fill *fill)
{
	/* Pairs with the release in fill_leave(). */
	return smp_load_acquire(&fill->is_full);
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_fill_is_full);

/* Become a filler of the range. Without @is_helping, only if there is no other. */
static bool fill_join(struct xxshm_fill *fill, bool is_helping)
{
	bool joins;

	mutex_lock(&fill->lock);
	joins = !fill->is_full && (is_helping || !fill->fillers);
	WRITE_ONCE(fill->fillers, fill->fillers + joins);
	mutex_unlock(&fill->lock);
	return joins;
}

/* Stop filling, with a result. Returns true if no other task is filling. */
static bool fill_leave(struct xxshm_fill *fill, int err)
{
	bool is_last;

	mutex_lock(&fill->lock);
	WRITE_ONCE(fill->fillers, fill->fillers - 1);
	is_last = !fill->fillers;
	if (!err) {
		/* A task that sees this sees the pages in the page cache. */
		smp_store_release(&fill->is_full, true);
	}
	mutex_unlock(&fill->lock);
	return is_last;
}

/*
 * Fill the range as one of its fillers. After a failure, the waiters are woken when the
 * range is empty again, not before: one of them may begin at once.
 */
static int fill_try(struct xxshm_fill *fill, const struct xxshm_fill_ops *ops,
		    void *owner, bool may_wait)
{
	int err = ops->fill(fill, owner, may_wait);

	if (fill_leave(fill, err) && err && ops->empty)
		ops->empty(fill, owner);
	wake_up_all(&fill_wait_queue);
	return err;
}

/* Returns 0 if the other fillers are done, 1 if they take long, or a negative errno. */
static int fill_wait(struct xxshm_fill *fill)
{
	long left = wait_event_killable_timeout(fill_wait_queue,
						xxshm_fill_is_full(fill) ||
						!READ_ONCE(fill->fillers),
						FILL_PATIENCE);

	return left < 0 ? -EINTR : !left;
}

/**
 * xxshm_fill_at_once() - fill a small range without waiting for others
 * @fill: the range
 * @ops: how to fill it
 * @owner: argument of @ops
 *
 * Context: Process context, may sleep, but waits neither for other fillers nor for
 * memory of the cgroup of current: mmap_lock may be held.
 * Return: 0; -EAGAIN if the range is not full, and waiting may help; another errno of
 * @ops->fill().
 */
int xxshm_fill_at_once(struct xxshm_fill *fill, const struct xxshm_fill_ops *ops,
		       void *owner)
{
	if (xxshm_fill_is_full(fill))
		return 0;
	if (!fill_join(fill, false))
		return xxshm_fill_is_full(fill) ? 0 : -EAGAIN;
	return fill_try(fill, ops, owner, false);
}

/**
 * xxshm_fill_up() - fill a range
 * @fill: the range
 * @ops: how to fill it
 * @owner: argument of @ops
 *
 * Context: Process context, may sleep, and wait for others: FILL_PATIENCE, and once more
 * if @ops->fill() fails.
 * Return: 0; -EINTR if current is being killed; another errno of @ops->fill(). After a
 * failure the range is empty again, unless other tasks fill it.
 */
int xxshm_fill_up(struct xxshm_fill *fill, const struct xxshm_fill_ops *ops,
		  void *owner)
{
	int takes_long = 0;
	int err = 0;

	while (!xxshm_fill_is_full(fill)) {
		if (fill_join(fill, takes_long)) {
			err = fill_try(fill, ops, owner, true);
			/* The tasks that are still filling may be under another limit. */
			if (!err || err == -EINTR || !READ_ONCE(fill->fillers))
				break;
		}
		takes_long = fill_wait(fill);
		if (takes_long < 0)
			return takes_long;
		/* This task has failed and waited. It may hold mmap_lock: give up. */
		if (takes_long && err)
			break;
	}
	return xxshm_fill_is_full(fill) ? 0 : err;
}

/**
 * xxshm_fill_lock_idle() - lock a range that nobody fills
 * @fill: a range with missing pages
 *
 * Context: Process context, may sleep.
 * Return: true with @fill->lock held, which the caller unlocks; false if a task has
 * begun to fill the range.
 */
bool xxshm_fill_lock_idle(struct xxshm_fill *fill)
{
	mutex_lock(&fill->lock);
	if (!fill->fillers && !fill->is_full)
		return true;
	mutex_unlock(&fill->lock);
	return false;
}
