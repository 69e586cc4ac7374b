// SPDX-License-Identifier: GPL-2.0-only
/*
 * The preparations of each open file, see prep.c, and the end of those whose task does
 * not come back.
 *
 * A preparation is dropped by the next call of its task on the same file that no signal
 * handler can have made, by the last close of the file, or by a worker after
 * PREP_LIST_PATIENCE.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "caller.h"
#include "memlock.h"
#include "prep_list.h"

/*
 * The second pass follows at once, but a memory cgroup above its memory.high may
 * delay the task for some seconds in between. A preparation that is dropped too
 * early is made again.
 */
#define PREP_LIST_PATIENCE	(10 * HZ)

/* One lock for all lists, held for single steps. */
static DEFINE_SPINLOCK(prep_list_lock);
static LIST_HEAD(prep_list_waiting);	/* by deadline */
static DECLARE_WAIT_QUEUE_HEAD(prep_list_dropped);

static void prep_list_reap(struct work_struct *unused);
static DECLARE_DELAYED_WORK(prep_list_reaper, prep_list_reap);

/**
 * xxshm_prep_list_init() - make a list of preparations
 * @list: the list
 *
 * Context: Before anybody else knows of @list.
 */
void xxshm_prep_list_init(struct xxshm_prep_list *list)
{
	INIT_LIST_HEAD(&list->preps);
	list->dropping = 0;
}

/**
 * xxshm_prep_list_new() - make a preparation for the calling task
 * @list: the list that it is going to be on
 *
 * Context: Process context, may sleep.
 * Return: the preparation, on no list; NULL if there is no memory.
 */
struct xxshm_prep *xxshm_prep_list_new(struct xxshm_prep_list *list)
{
	struct xxshm_prep *prep = kzalloc(sizeof(*prep), MEMLOCK_GFP);

	if (!prep)
		return NULL;
	prep->list = list;
	xxshm_caller_init(&prep->caller);
	INIT_LIST_HEAD(&prep->waiting);
	return prep;
}

/**
 * xxshm_prep_list_drop() - undo a preparation
 * @prep: the preparation; it is on no list, and its task work is not pending
 *
 * Context: Process context, may sleep, about any process.
 */
void xxshm_prep_list_drop(struct xxshm_prep *prep)
{
	if (prep->made)
		prep->ops->drop(prep->made);
	xxshm_caller_destroy(&prep->caller);
	kfree(prep);
}

static void prep_list_unlink(struct xxshm_prep *prep)
{
	lockdep_assert_held(&prep_list_lock);
	list_del(&prep->entry);
	list_del_init(&prep->waiting);
}

static void prep_list_wait_for_task(struct xxshm_prep *prep)
{
	lockdep_assert_held(&prep_list_lock);
	prep->deadline = jiffies + PREP_LIST_PATIENCE;
	list_move_tail(&prep->waiting, &prep_list_waiting);
}

/**
 * xxshm_prep_list_add() - put a preparation on its list
 * @prep: the preparation
 *
 * If its task work is not pending, its task has to come back for it in time.
 *
 * Context: Process context.
 */
void xxshm_prep_list_add(struct xxshm_prep *prep)
{
	spin_lock(&prep_list_lock);
	list_add(&prep->entry, &prep->list->preps);
	if (!prep->is_armed) {
		prep_list_wait_for_task(prep);
		queue_delayed_work(system_unbound_wq, &prep_list_reaper,
				   PREP_LIST_PATIENCE);
	}
	spin_unlock(&prep_list_lock);
}

/**
 * xxshm_prep_list_del() - take a preparation off its list
 * @prep: the preparation
 *
 * Context: Process context, in the task that it is for.
 */
void xxshm_prep_list_del(struct xxshm_prep *prep)
{
	spin_lock(&prep_list_lock);
	prep_list_unlink(prep);
	spin_unlock(&prep_list_lock);
}

/* A driver may map its own node in make(): that is another call. */
static bool prep_list_is_own(const struct xxshm_prep *prep)
{
	return xxshm_caller_is_current(&prep->caller) &&
	       prep->state != XXSHM_PREP_QUEUED;
}

static bool prep_list_is_interrupted(const struct xxshm_prep *prep)
{
	return prep->state == XXSHM_PREP_DONE &&
	       xxshm_caller_is_interrupted(&prep->caller);
}

/* Drop preparations that are on no list of a file any more. They are linked by @entry. */
static void prep_list_drop_all(struct list_head *preps)
{
	struct xxshm_prep *prep, *next;

	list_for_each_entry_safe(prep, next, preps, entry)
		xxshm_prep_list_drop(prep);
}

/**
 * xxshm_prep_list_take() - take the preparation of the calling task off a list
 * @list: the list
 *
 * Preparations of tasks that have exited are dropped: otherwise the list would grow.
 *
 * Context: Process context, may sleep.
 * Return: the preparation; NULL if there is none.
 */
struct xxshm_prep *xxshm_prep_list_take(struct xxshm_prep_list *list)
{
	struct xxshm_prep *prep, *next, *own = NULL;
	LIST_HEAD(left);

	if (xxshm_prep_list_is_empty(list))
		return NULL;
	spin_lock(&prep_list_lock);
	list_for_each_entry_safe(prep, next, &list->preps, entry) {
		if (prep_list_is_own(prep)) {
			if (prep_list_is_interrupted(prep))
				continue;
			own = prep;
			prep_list_unlink(own);
			break;
		}
		if (xxshm_caller_is_gone(&prep->caller) && !prep->is_armed) {
			prep_list_unlink(prep);
			list_add(&prep->entry, &left);
		}
	}
	spin_unlock(&prep_list_lock);
	prep_list_drop_all(&left);
	return own;
}

/* Take an overdue one off its list. Its file cannot be released before it is dropped. */
static struct xxshm_prep *prep_list_take_overdue(void)
{
	struct xxshm_prep *prep, *next, *overdue = NULL;

	spin_lock(&prep_list_lock);
	list_for_each_entry_safe(prep, next, &prep_list_waiting, waiting) {
		if (time_before(jiffies, prep->deadline))
			break;
		if (xxshm_caller_is_stopped(&prep->caller)) {
			prep_list_wait_for_task(prep);
			continue;
		}
		overdue = prep;
		overdue->list->dropping++;
		prep_list_unlink(overdue);
		break;
	}
	spin_unlock(&prep_list_lock);
	return overdue;
}

static void prep_list_reap(struct work_struct *unused)
{
	struct xxshm_prep_list *list;
	struct xxshm_prep *prep;

	while ((prep = prep_list_take_overdue())) {
		list = prep->list;
		xxshm_prep_list_drop(prep);
		spin_lock(&prep_list_lock);
		list->dropping--;
		wake_up(&prep_list_dropped);
		spin_unlock(&prep_list_lock);
		cond_resched();
	}
	spin_lock(&prep_list_lock);
	if (!list_empty(&prep_list_waiting))
		queue_delayed_work(system_unbound_wq, &prep_list_reaper, HZ);
	spin_unlock(&prep_list_lock);
}

static bool prep_list_is_dropping(const struct xxshm_prep_list *list)
{
	bool is_dropping;

	spin_lock(&prep_list_lock);
	is_dropping = list->dropping;
	spin_unlock(&prep_list_lock);
	return is_dropping;
}

/**
 * xxshm_prep_list_destroy() - drop all preparations whose second pass never came
 * @list: the list of a file that is being released
 *
 * Context: Process context, may sleep; no call on the file is under way.
 */
void xxshm_prep_list_destroy(struct xxshm_prep_list *list)
{
	struct xxshm_prep *prep;
	LIST_HEAD(left);

	spin_lock(&prep_list_lock);
	list_splice_init(&list->preps, &left);
	list_for_each_entry(prep, &left, entry)
		list_del_init(&prep->waiting);
	spin_unlock(&prep_list_lock);
	prep_list_drop_all(&left);
	wait_event(prep_list_dropped, !prep_list_is_dropping(list));
}

/**
 * xxshm_prep_list_exit() - wait for the worker; no file is open
 *
 * Context: Process context, may sleep.
 */
void xxshm_prep_list_exit(void)
{
	cancel_delayed_work_sync(&prep_list_reaper);
}
