/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for tests of the tracepoints. */
#ifndef _SELFTESTS_XXSHM_TRACING_H
#define _SELFTESTS_XXSHM_TRACING_H

#include "device.h"

#define TRACING		"/sys/kernel/tracing"
#define EVENTS		TRACING "/events/xxshm/enable"

/* Does a line of the trace end with this text? */
static inline int trace_has(const char *end)
{
	char line[512];
	int found = 0;
	FILE *f = fopen(TRACING "/trace", "r");

	while (f && fgets(line, sizeof(line), f)) {
		size_t len = strcspn(line, "\n");

		line[len] = '\0';
		found |= len > strlen(end) &&
			 !strcmp(line + len - strlen(end), end);
	}
	if (f)
		fclose(f);
	return found;
}

#endif /* _SELFTESTS_XXSHM_TRACING_H */
