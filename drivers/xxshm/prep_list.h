/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_PREP_LIST_H
#define _XXSHM_PREP_LIST_H

#include <linux/list.h>
#include <linux/task_work.h>
#include <linux/types.h>

#include "caller.h"

struct file;

/**
 * struct xxshm_prep_call - an mmap(2) as its handler sees it
 * @addr: the address of the mapping
 * @pgoff: the caller's offset, in pages
 * @npages: the length, in pages
 * @vm_flags: protection and sharing: of VM_READ, VM_WRITE, VM_EXEC, VM_MAYWRITE,
 *	VM_MAYSHARE
 * @is_compat: in_compat_syscall()
 */
struct xxshm_prep_call {
	unsigned long addr;
	pgoff_t pgoff;
	pgoff_t npages;
	unsigned long vm_flags;
	bool is_compat;
};

/**
 * struct xxshm_prep_ops - what a kind of file does before it is mapped
 * @make: prepare the mapping. Store an argument for drop() in *@made, or leave it NULL.
 *	Returns 0 or a negative errno. Context: the calling process, may sleep;
 *	mmap_lock is not held
 * @is_repeatable: make() may be called again for the same call after it failed
 * @drop: the second pass never came: undo make(). Not called for NULL. Context:
 *	process context, may sleep, about any process
 */
struct xxshm_prep_ops {
	int (*make)(struct file *file, const struct xxshm_prep_call *call, void **made);
	bool is_repeatable;
	void (*drop)(void *made);
};

/**
 * struct xxshm_prep_list - the preparations for mapping one open file
 * @preps: struct xxshm_prep; a task has more than one only if a signal handler maps, too
 * @dropping: how many of them a worker is dropping now
 *
 * Its lock is that of all lists, see prep_list.c.
 */
struct xxshm_prep_list {
	struct list_head preps;
	unsigned int dropping;
};

/**
 * enum xxshm_prep_state - how far a preparation is
 * @XXSHM_PREP_PLACED: the first pass has got a free address for MAP_FIXED
 * @XXSHM_PREP_QUEUED: the work has not ended
 * @XXSHM_PREP_DONE: make() has returned
 * @XXSHM_PREP_AGAIN: make() failed, and a signal came: begin again
 * @XXSHM_PREP_TAKEN: it is on no list; the work frees it
 */
enum xxshm_prep_state {
	XXSHM_PREP_PLACED,
	XXSHM_PREP_QUEUED,
	XXSHM_PREP_DONE,
	XXSHM_PREP_AGAIN,
	XXSHM_PREP_TAKEN,
};

/**
 * struct xxshm_prep - a preparation
 * @work: the task work
 * @entry: in the list of its file, under prep_list_lock
 * @waiting: in prep_list_waiting, under prep_list_lock, if the task has to come back
 * @list: the list of its file; constant
 * @caller: the task, and its system call
 * @file: the file, with a reference as long as the work is pending
 * @ops: the operations of @file
 * @call: the call
 * @state: an enum xxshm_prep_state; only @caller changes it
 * @is_armed: the work is pending, and runs when the system call ends; only @caller
 *	changes it
 * @tries: how often make() was called
 * @err: return value of make()
 * @made: result of make(), or NULL
 * @deadline: when it is dropped, in jiffies
 */
struct xxshm_prep {
	struct callback_head work;
	struct list_head entry;
	struct list_head waiting;
	struct xxshm_prep_list *list;
	struct xxshm_caller caller;
	struct file *file;
	const struct xxshm_prep_ops *ops;
	struct xxshm_prep_call call;
	enum xxshm_prep_state state;
	bool is_armed;
	unsigned int tries;
	int err;
	void *made;
	unsigned long deadline;
};

void xxshm_prep_list_init(struct xxshm_prep_list *list);
void xxshm_prep_list_destroy(struct xxshm_prep_list *list);
void xxshm_prep_list_exit(void);

struct xxshm_prep *xxshm_prep_list_new(struct xxshm_prep_list *list);
void xxshm_prep_list_drop(struct xxshm_prep *prep);

void xxshm_prep_list_add(struct xxshm_prep *prep);
void xxshm_prep_list_del(struct xxshm_prep *prep);
struct xxshm_prep *xxshm_prep_list_take(struct xxshm_prep_list *list);

/**
 * xxshm_prep_list_is_empty() - is no call being prepared?
 * @list: the list
 *
 * Context: Any. A preparation of the calling task is seen for sure.
 * Return: true if there is none.
 */
static inline bool xxshm_prep_list_is_empty(const struct xxshm_prep_list *list)
{
	return list_empty(&list->preps);
}

#endif /* _XXSHM_PREP_LIST_H */
