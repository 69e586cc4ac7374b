/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_LATE_H
#define _XXSHM_LATE_H

struct work_struct;

int xxshm_late_init(void);
void xxshm_late_exit(void);

void xxshm_late_run(struct work_struct *work);
void xxshm_late_queue(struct work_struct *work);
void xxshm_late_flush(void);

#endif /* _XXSHM_LATE_H */
