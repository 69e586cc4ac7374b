/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_DRIVER_H
#define _XXSHM_DDI_DRIVER_H

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/errno.h>

#include <xxshm/types.h>

int xxshm_ddi_driver_init(void);
void xxshm_ddi_driver_exit(void);

/* On Solaris they are not constant. */
static inline cred_t *xxshm_ddi_cred(void)
{
	return (cred_t *)current_cred();
}

/* What an entry point returned, as Linux has it: anything but 0 is a failure. */
static inline int xxshm_ddi_errno(int ret)
{
	if (ret <= 0 || ret > MAX_ERRNO)
		return ret ? -ENXIO : 0;
	return -ret;
}

#endif /* _XXSHM_DDI_DRIVER_H */
