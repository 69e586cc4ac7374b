// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opens of a minor are counted, to find the last close: the driver's close(9E) is
 * called once, when no file is open any more.
 *
 *	open(2):  begin -> open(9E) -> succeed
 *				    -> fail
 *	close(2): close
 *
 * As on Solaris, a call of open(9E) that has not returned counts as an open file. So
 * close(9E) follows a "close" or a "fail", whichever comes last.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "opens.h"

/**
 * ddi_opens_init() - begin with a minor that nobody has open
 * @opens: the opens of the minor
 *
 * Context: Any.
 */
void ddi_opens_init(struct ddi_opens *opens)
{
	*opens = (struct ddi_opens){};
	spin_lock_init(&opens->lock);
	init_waitqueue_head(&opens->closed);
}

static bool opens_try_begin(struct ddi_opens *opens)
{
	bool is_closing;

	spin_lock(&opens->lock);
	is_closing = opens->is_closing;
	if (!is_closing)
		opens->users++;
	spin_unlock(&opens->lock);
	return !is_closing;
}

/**
 * ddi_opens_begin() - open(9E) is going to be called
 * @opens: the opens of the minor
 *
 * The call waits while close(9E) runs.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ERESTARTSYS if a signal arrived while it waited.
 */
int ddi_opens_begin(struct ddi_opens *opens)
{
	return wait_event_interruptible(opens->closed, opens_try_begin(opens));
}

/**
 * ddi_opens_succeed() - open(9E) has returned 0
 * @opens: the opens of the minor
 *
 * Context: Any but interrupts, after ddi_opens_begin().
 */
void ddi_opens_succeed(struct ddi_opens *opens)
{
	spin_lock(&opens->lock);
	opens->is_open = true;
	spin_unlock(&opens->lock);
}

/* Returns true if the last user leaves, and open(9E) has succeeded. */
static bool opens_leave(struct ddi_opens *opens)
{
	bool is_last;

	lockdep_assert_held(&opens->lock);
	is_last = !--opens->users && opens->is_open;
	if (is_last) {
		opens->is_open = false;
		opens->is_closing = true;
	}
	return is_last;
}

/**
 * ddi_opens_fail() - open(9E) has failed
 * @opens: the opens of the minor
 *
 * Context: Any but interrupts, after ddi_opens_begin().
 * Return: true if all files have been closed meanwhile. The caller then calls close(9E)
 * with @opens->flag, and ddi_opens_closed().
 */
bool ddi_opens_fail(struct ddi_opens *opens)
{
	bool is_last;

	spin_lock(&opens->lock);
	is_last = opens_leave(opens);
	spin_unlock(&opens->lock);
	return is_last;
}

/**
 * ddi_opens_close() - a file is closed
 * @opens: the opens of the minor
 * @flag: flags of the file, for close(9E)
 *
 * Context: Any but interrupts, after ddi_opens_succeed().
 * Return: true if nothing is open any more. The caller then calls close(9E),
 * and ddi_opens_closed().
 */
bool ddi_opens_close(struct ddi_opens *opens, int flag)
{
	bool is_last;

	spin_lock(&opens->lock);
	opens->flag = flag;
	is_last = opens_leave(opens);
	spin_unlock(&opens->lock);
	return is_last;
}

/**
 * ddi_opens_closed() - close(9E) has returned
 * @opens: the opens of the minor
 *
 * Context: Any but interrupts.
 */
void ddi_opens_closed(struct ddi_opens *opens)
{
	spin_lock(&opens->lock);
	opens->is_closing = false;
	spin_unlock(&opens->lock);
	wake_up_all(&opens->closed);
}
