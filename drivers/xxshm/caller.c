// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caller: a task that made a system call, which the kernel is going to restart. Is
 * the calling task that one, and is it back in the same call?
 *
 * A restarted call has the arguments and the stack pointer that it had before. A call
 * that a signal handler makes in between runs further down the same stack, or on the
 * stack for signal handlers.
 */
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>

#include <asm/syscall.h>

#include "caller.h"

/**
 * xxshm_caller_init() - remember the calling task
 * @caller: filled in
 *
 * Context: Process context, in a system call.
 */
void xxshm_caller_init(struct xxshm_caller *caller)
{
	caller->pid = get_pid(task_pid(current));
	caller->mm = current->mm;
	mmgrab(caller->mm);
}

/**
 * xxshm_caller_destroy() - forget the task
 * @caller: what xxshm_caller_init() filled in
 *
 * Context: Process context, about any process.
 */
void xxshm_caller_destroy(struct xxshm_caller *caller)
{
	mmdrop(caller->mm);
	put_pid(caller->pid);
}

/**
 * xxshm_caller_is_current() - is it the calling task?
 * @caller: the caller
 *
 * Context: Process context.
 * Return: true if it is, and has not executed another program since.
 */
bool xxshm_caller_is_current(const struct xxshm_caller *caller)
{
	return caller->pid == task_pid(current) && caller->mm == current->mm;
}

/**
 * xxshm_caller_is_gone() - has the task exited?
 * @caller: the caller
 *
 * Context: Any.
 * Return: true if it has.
 */
bool xxshm_caller_is_gone(const struct xxshm_caller *caller)
{
	bool is_gone;

	rcu_read_lock();
	is_gone = !pid_task(caller->pid, PIDTYPE_PID);
	rcu_read_unlock();
	return is_gone;
}

/**
 * xxshm_caller_is_stopped() - is the task stopped, so that it comes back later?
 * @caller: the caller
 *
 * Context: Any.
 * Return: true if a debugger, a signal or the task's cgroup has stopped it.
 */
bool xxshm_caller_is_stopped(const struct xxshm_caller *caller)
{
	const struct task_struct *task;
	bool is_stopped;

	rcu_read_lock();
	task = pid_task(caller->pid, PIDTYPE_PID);
	is_stopped = task &&
		READ_ONCE(task->jobctl) &
		(JOBCTL_STOPPED | JOBCTL_TRACED | JOBCTL_TRAP_FREEZE);
	rcu_read_unlock();
	return is_stopped;
}

/**
 * xxshm_caller_remember_call() - remember the system call that the task is in
 * @caller: the caller, which is the calling task
 *
 * Context: Process context, in a system call.
 */
void xxshm_caller_remember_call(struct xxshm_caller *caller)
{
	struct pt_regs *regs = task_pt_regs(current);

	syscall_get_arguments(current, regs, caller->args);
	caller->stack = user_stack_pointer(regs);
	caller->is_on_altstack = on_sig_stack(caller->stack);
}

/**
 * xxshm_caller_is_same_call() - is the task in the call that was remembered?
 * @caller: the caller, which is the calling task
 *
 * Context: Process context, in a system call.
 * Return: true if arguments and stack pointer are the same.
 */
bool xxshm_caller_is_same_call(const struct xxshm_caller *caller)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long args[XXSHM_CALLER_ARGS];

	syscall_get_arguments(current, regs, args);
	return caller->stack == user_stack_pointer(regs) &&
	       !memcmp(caller->args, args, sizeof(args));
}

/**
 * xxshm_caller_is_interrupted() - has a signal handler interrupted that call?
 * @caller: the caller, which is the calling task
 *
 * Context: Process context, in a system call.
 * Return: true if the task is in a signal handler now, and comes back to the call.
 */
bool xxshm_caller_is_interrupted(const struct xxshm_caller *caller)
{
	unsigned long stack = user_stack_pointer(task_pt_regs(current));
	bool is_on_altstack = on_sig_stack(stack);

	if (is_on_altstack != caller->is_on_altstack)
		return is_on_altstack;
	return stack < caller->stack;
}
