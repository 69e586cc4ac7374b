/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_LOCK_H
#define _XXSHM_DDI_LOCK_H

int xxshm_ddi_lock_init(void);
void xxshm_ddi_lock_exit(void);
void xxshm_ddi_lock_flush(void);

#endif /* _XXSHM_DDI_LOCK_H */
