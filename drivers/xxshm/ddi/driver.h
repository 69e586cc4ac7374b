/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_DRIVER_H
#define _XXSHM_DDI_DRIVER_H

int ddi_driver_init(void);
void ddi_driver_exit(void);

#endif /* _XXSHM_DDI_DRIVER_H */
