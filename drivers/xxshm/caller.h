/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_CALLER_H
#define _XXSHM_CALLER_H

#include <linux/types.h>

struct mm_struct;
struct pid;

/* The arguments of a system call. */
#define XXSHM_CALLER_ARGS	6

/**
 * struct xxshm_caller - a task, and the system call that it is in
 * @pid: the task, with a reference: a later task with the same number is another one
 * @mm: its address space, with a reference to the structure only
 * @args: the arguments of the system call
 * @stack: the stack pointer of the system call: together they tell it from others
 * @is_on_altstack: that is the stack for signal handlers, see sigaltstack(2)
 */
struct xxshm_caller {
	struct pid *pid;
	struct mm_struct *mm;
	unsigned long args[XXSHM_CALLER_ARGS];
	unsigned long stack;
	bool is_on_altstack;
};

void xxshm_caller_init(struct xxshm_caller *caller);
void xxshm_caller_destroy(struct xxshm_caller *caller);

bool xxshm_caller_is_current(const struct xxshm_caller *caller);
bool xxshm_caller_is_gone(const struct xxshm_caller *caller);
bool xxshm_caller_is_stopped(const struct xxshm_caller *caller);

void xxshm_caller_remember_call(struct xxshm_caller *caller);
bool xxshm_caller_is_same_call(const struct xxshm_caller *caller);
bool xxshm_caller_is_interrupted(const struct xxshm_caller *caller);

#endif /* _XXSHM_CALLER_H */
