/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_OPENS_H
#define _XXSHM_DDI_OPENS_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

/**
 * struct ddi_opens - the opens of one minor
 * @lock: of all other fields
 * @users: number of open files, and of calls of open(9E) that have not returned
 * @is_open: open(9E) has succeeded since the last call of close(9E)
 * @is_closing: close(9E) is running
 * @flag: flags of the file that was closed last, for close(9E)
 * @closed: open(2) waits here until close(9E) has returned
 *
 * No lock is held while open(9E) or close(9E) runs. Calls of open(9E) may
 * overlap. close(9E) runs alone.
 */
struct ddi_opens {
	spinlock_t lock;	/* of all that follows */
	unsigned int users;
	bool is_open;
	bool is_closing;
	int flag;
	wait_queue_head_t closed;
};

void ddi_opens_init(struct ddi_opens *opens);
int ddi_opens_begin(struct ddi_opens *opens);
void ddi_opens_succeed(struct ddi_opens *opens);
bool ddi_opens_fail(struct ddi_opens *opens);
bool ddi_opens_close(struct ddi_opens *opens, int flag);
void ddi_opens_closed(struct ddi_opens *opens);

#endif /* _XXSHM_DDI_OPENS_H */
