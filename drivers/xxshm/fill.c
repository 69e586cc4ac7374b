// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling: a range gets all its pages once, by the task that needs it first.
 *
 * Others that need the range wait for that task. It may be slow: the administrator
 * may have throttled it (cpu.max), or its memory cgroup may have to reclaim memory.
 * So after FILL_PATIENCE the others help to fill the range. They hold no lock while
 * they wait.
 *
 * Each task pays for the pages that it adds. If the last of them gives up, the range
 * is as empty as before.
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

/* Of all ranges: waiting is rare. */
static DECLARE_WAIT_QUEUE_HEAD(fill_wait_queue);

/**
 * xxshm_fill_init() - begin with an empty range
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
 * xxshm_fill_destroy() - the opposite
 * @fill: the range; nobody uses it
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
 * Return: true if it has, and then for ever.
 */
bool xxshm_fill_is_full(struct xxshm_fill *fill)
{
	/* Pairs with the release in fill_leave(). */
	return smp_load_acquire(&fill->is_full);
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_fill_is_full);

/* Join those that fill the range. Without @is_helping, only if there are none. */
static bool fill_join(struct xxshm_fill *fill, bool is_helping)
{
	bool joins;

	mutex_lock(&fill->lock);
	joins = !fill->is_full && (is_helping || !fill->fillers);
	WRITE_ONCE(fill->fillers, fill->fillers + joins);
	mutex_unlock(&fill->lock);
	return joins;
}

/* End with a result, and tell whether nobody else is at work. */
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
 * The range is filled, or it is this task's turn. The waiters are woken when it is
 * empty again, not before: one of them may begin at once.
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

/* Returns 0 if the others are done, 1 if they take long, or a negative errno. */
static int fill_wait(struct xxshm_fill *fill)
{
	long left = wait_event_killable_timeout(fill_wait_queue,
						xxshm_fill_is_full(fill) ||
						!READ_ONCE(fill->fillers),
						FILL_PATIENCE);

	return left < 0 ? -EINTR : !left;
}

/**
 * xxshm_fill_at_once() - see to it that a small range has its pages
 * @fill: the range
 * @ops: how to fill it
 * @owner: for @ops
 *
 * Context: Process context, may sleep, but not for others that fill the range, nor for
 * memory of the cgroup of current: mmap_lock may be held.
 * Return: 0; -EAGAIN if the range is not full, and waiting may help; what else
 * @ops->fill() fails with.
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
 * xxshm_fill_up() - see to it that a range has its pages
 * @fill: the range
 * @ops: how to fill it
 * @owner: for @ops
 *
 * Context: Process context, may sleep, and wait for others: FILL_PATIENCE, and once more
 * if @ops->fill() fails.
 * Return: 0; -EINTR if current is being killed; what else @ops->fill() fails with.
 * After a failure that nobody else makes up for, the range is empty again.
 */
int xxshm_fill_up(struct xxshm_fill *fill, const struct xxshm_fill_ops *ops,
		  void *owner)
{
	int takes_long = 0;
	int err = 0;

	while (!xxshm_fill_is_full(fill)) {
		if (fill_join(fill, takes_long)) {
			err = fill_try(fill, ops, owner, true);
			/* Those that are still at work may not meet the same limit. */
			if (!err || err == -EINTR || !READ_ONCE(fill->fillers))
				break;
		}
		takes_long = fill_wait(fill);
		if (takes_long < 0)
			return takes_long;
		/* It has tried and waited in vain, and may hold mmap_lock. */
		if (takes_long && err)
			break;
	}
	return xxshm_fill_is_full(fill) ? 0 : err;
}

/**
 * xxshm_fill_lock_idle() - lock a range that nobody fills
 * @fill: the range, which some pages are missing of
 *
 * Context: Process context, may sleep.
 * Return: true with @fill->lock held, to be unlocked by the caller; false if somebody
 * has begun to fill the range.
 */
bool xxshm_fill_lock_idle(struct xxshm_fill *fill)
{
	mutex_lock(&fill->lock);
	if (!fill->fillers && !fill->is_full)
		return true;
	mutex_unlock(&fill->lock);
	return false;
}
