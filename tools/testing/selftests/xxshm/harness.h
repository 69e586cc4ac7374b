/* SPDX-License-Identifier: GPL-2.0-only */
/* kselftest's harness, with enough time for a slow kernel made for testing. */
#ifndef _SELFTESTS_XXSHM_HARNESS_H
#define _SELFTESTS_XXSHM_HARNESS_H

#include "kselftest_harness.h"

/* Seconds: the kernel is emulated, and the machine may be busy. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

#endif /* _SELFTESTS_XXSHM_HARNESS_H */
