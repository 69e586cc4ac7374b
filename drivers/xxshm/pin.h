/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_PIN_H
#define _XXSHM_PIN_H

#include <linux/types.h>

#include "memlock.h"

struct mm_struct;
struct page;

/**
 * struct xxshm_pin - pinned pages of a process, and their price
 * @pages: the pages; constant
 * @npages: number of pages; constant
 * @is_writable: the pages may have been written to; constant
 * @mm: the process; only its counter is used, because its addresses may be gone
 * @charge: their price; constant
 *
 * It is part of the object that asked for it, and is undone when that object is freed.
 * The pages may outlive the process.
 */
struct xxshm_pin {
	struct page **pages;
	unsigned long npages;
	bool is_writable;
	struct mm_struct *mm;
	struct xxshm_charge charge;
};

int xxshm_pin_make(struct xxshm_pin *pin, unsigned long addr, unsigned long npages,
		   bool writable);
void xxshm_pin_undo(struct xxshm_pin *pin);

#endif /* _XXSHM_PIN_H */
