/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_ENTRY_H
#define _XXSHM_DDI_ENTRY_H

#include <linux/compiler.h>
#include <linux/cred.h>

#include <xxshm/types.h>

#include "nodes.h"

struct ddi_driver;

/* Entry points that may break their contract. */
enum xxshm_ddi_entry {
	XXSHM_DDI_OPEN,
	XXSHM_DDI_IOCTL,
	XXSHM_DDI_SEGMAP,
	XXSHM_DDI_DEVMAP,
};

/**
 * struct ddi_driver_node - the nodes of a driver
 * @driver: its entry points; constant
 * @reported: a bit for each entry point that has broken its contract
 * @nodes: one for each minor number
 */
struct ddi_driver_node {
	const struct ddi_driver *driver;
	unsigned long reported;
	struct xxshm_nodes nodes;
};

/* On Solaris they are not constant. */
static inline cred_t *xxshm_ddi_cred(void)
{
	return (cred_t *)current_cred();
}

void xxshm_ddi_report(const struct ddi_driver *driver, enum xxshm_ddi_entry entry,
		      const char *format, ...) __printf(3, 4);
int xxshm_ddi_errno(const struct ddi_driver *driver, enum xxshm_ddi_entry entry,
		    int ret);

#endif /* _XXSHM_DDI_ENTRY_H */
