// SPDX-License-Identifier: GPL-2.0-only
/*
 * Late work: what a caller in atomic context cannot do, because it may sleep. A
 * worker of the module does it soon after, in process context and without locks.
 */
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/workqueue.h>

#include "late.h"

static struct workqueue_struct *late_wq;

/**
 * xxshm_late_queue() - let a worker do it
 * @work: what to do; it may free @work
 *
 * Context: Any but NMI.
 */
void xxshm_late_queue(struct work_struct *work)
{
	queue_work(late_wq, work);
}

/**
 * xxshm_late_run() - do it now if the caller may sleep, and late otherwise
 * @work: what to do; it may free @work
 *
 * A kernel without preemption counting cannot tell that a spinlock is held.
 *
 * Context: Any but NMI; not under a spinlock, and not with preemption off alone.
 */
void xxshm_late_run(struct work_struct *work)
{
	if (in_interrupt() || irqs_disabled())
		xxshm_late_queue(work);
	else
		work->func(work);
}

/**
 * xxshm_late_flush() - wait until all late work that is queued by now is done
 *
 * Context: Process context, may sleep.
 */
void xxshm_late_flush(void)
{
	flush_workqueue(late_wq);
}

/**
 * xxshm_late_init() - get ready for late work
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init xxshm_late_init(void)
{
	late_wq = alloc_workqueue("xxshm", WQ_UNBOUND, 0);
	return late_wq ? 0 : -ENOMEM;
}

/**
 * xxshm_late_exit() - finish all late work; no more of it may be queued
 *
 * Context: Process context, may sleep.
 */
void xxshm_late_exit(void)
{
	destroy_workqueue(late_wq);
}
