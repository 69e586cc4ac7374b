/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_PREP_H
#define _XXSHM_PREP_H

#include <linux/list.h>
#include <linux/types.h>

struct file;
struct vm_area_struct;

/**
 * struct xxshm_prep_call - an mmap(2) as its handler sees it
 * @addr: the address that the mapping is going to have
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
 * @make: do it, and store in *@made what drop() is to get, or leave it NULL; 0 or a
 *	negative errno. Context: the calling process, may sleep; mmap_lock is not held
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
 * @preps: struct xxshm_prep; more than one for a task only if a signal handler maps too
 * @dropping: how many of them a worker is dropping
 *
 * The lock is in prep.c, and a leaf.
 */
struct xxshm_prep_list {
	struct list_head preps;
	unsigned int dropping;
};

void xxshm_prep_list_init(struct xxshm_prep_list *list);
void xxshm_prep_list_destroy(struct xxshm_prep_list *list);

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

unsigned long xxshm_prep_place(struct xxshm_prep_list *list, struct file *file,
			       unsigned long addr, unsigned long len, pgoff_t pgoff,
			       unsigned long flags);
int xxshm_prep_mmap(struct xxshm_prep_list *list, struct vm_area_struct *vma,
		    const struct xxshm_prep_ops *ops, void **made);

void xxshm_prep_exit(void);

#endif /* _XXSHM_PREP_H */
