/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_TOTALS_H
#define _XXSHM_TOTALS_H

struct attribute_group;

/* For devices whose driver data is their struct xxshm_map_totals. */
extern const struct attribute_group xxshm_totals_group;

#endif /* _XXSHM_TOTALS_H */
