// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer of what a program can do to the devices, driven by libFuzzer:
 *
 *   fuzz [option of libFuzzer...] CORPUS   make inputs, keep those of interest
 *   XXSHM_PRINT=1 fuzz INPUT               repeat one, and print its operations
 *
 * An input is a sequence of records, see operations.h. It begins with device 0
 * open and nothing mapped; after it everything is dropped and the oracle is
 * asked. To be run as root, on a machine that may be lost.
 *
 * Environment: XXSHM_MODULE, the module; XXSHM_TALLY, a file of counters;
 *              XXSHM_CURRENT, a file that has the input that is being tried;
 *              XXSHM_KMSG, /dev/kmsg, which is told of it in hexadecimal;
 *              XXSHM_OPERATIONS, after how many to end
 */
#include "oracle.h"

#define MAX_RECORDS	96	/* beginning and end take as long as some tens */
#define MAX_CHILDREN	4
#define KMSG_BYTES	472	/* of an input in a line */

static pid_t children[MAX_CHILDREN];
static unsigned int child_count;
static int current_fd = -1, kmsg_fd = -1;
static __u64 operations_wanted;

static void wait_for_child(pid_t pid)
{
	int status = wait_for(pid);

	if (status)
		violation("a child ended with status %d", status);
}

static void wait_for_children(void)
{
	while (child_count)
		wait_for_child(children[--child_count]);
}

static void take_record(const __u8 *from)
{
	unsigned int kind;
	__u64 calls = tally->calls;

	if (!in_child)
		coverage_begin();
	kind = take_operation(from);
	count(&tally->operations);
	if (tally->calls != calls && entry_result >= 0)
		count(&tally->succeeded);
	if (!in_child)
		coverage_end(kind);
}

/* The child has all that the parent has, and leaves by its own exit. */
static void run_child(const __u8 *data, unsigned int records)
{
	pid_t pid;

	count(&tally->forks);
	has_company |= !child_is_alone;
	pid = fork();
	if (pid < 0)
		violation("fork: %m");
	if (!pid) {
		in_child = 1;
		for (; records; records--, data += RECORD)
			take_record(data);
		_exit(0);
	}
	if (child_is_alone)
		wait_for_child(pid);
	else
		children[child_count++] = pid;
}

static void run_records(const __u8 *data, unsigned int records)
{
	unsigned int i = 0;

	while (i < records) {
		unsigned int n = child_records;

		if (!n || child_count == MAX_CHILDREN) {
			take_record(data + RECORD * i++);
			continue;
		}
		child_records = 0;
		n = n < records - i ? n : records - i;
		run_child(data + RECORD * i, n);
		i += n;
	}
}

/*
 * A panic prints what the kernel's log has, which costs less than a file outside
 * of the machine. A line of it is short: long inputs take two, and each begins
 * with where in the input it belongs.
 */
static void tell_kernel(const __u8 *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char line[2 * KMSG_BYTES + 32];
	size_t at, i;
	int len;

	for (at = 0; at < size; at += KMSG_BYTES) {
		len = sprintf(line, "<7>fuzz: input %zu ", at);
		for (i = at; i < size && i < at + KMSG_BYTES; i++) {
			line[len++] = digits[data[i] / 16];
			line[len++] = digits[data[i] % 16];
		}
		if (write(kmsg_fd, line, len) < 0)
			perror("XXSHM_KMSG");
	}
}

static void begin_input(const __u8 *data, size_t size)
{
	count(&tally->inputs);
	if (current_fd >= 0 && (ftruncate(current_fd, 0) ||
				pwrite(current_fd, data, size, 0) < 0))
		perror("XXSHM_CURRENT");
	if (kmsg_fd >= 0)
		tell_kernel(data, size);
	become_ordinary();
	descriptors[0].fd = open(DEVICE, O_RDWR);
	if (descriptors[0].fd < 0)
		violation(DEVICE ": %m");
	descriptors[0].device = 0;
	descriptors[0].flags = O_RDWR;
}

static void end_input(void)
{
	child_records = 0;
	fail_nth = 0;
	wait_for_children();
	become_ordinary();
	drop_all();
	oracle_check(printing || tally->inputs % LOOK_AFTER == 0);
}

/* Zeroes fill the last record up. */
static void try_input(const __u8 *data, size_t size)
{
	static __u8 records[MAX_RECORDS * RECORD];

	size = size < sizeof(records) ? size : sizeof(records);
	memset(records, 0, sizeof(records));
	memcpy(records, data, size);
	begin_input(data, size);
	run_records(records, (size + RECORD - 1) / RECORD);
	end_input();
}

/* For a reader: on each kind of window, so that chance has less of a say. */
static void repeat_input(const __u8 *data, size_t size)
{
	unsigned int i;

	for (i = 0; i < LOADS; i++) {
		fprintf(stderr, "windows of %lu pages, %s\n", window_pages,
			devices_are_pageable ? "pageable" : "locked");
		try_input(data, size);
		try_input(data, size);
		reload();
	}
}

static void random_record(__u8 *to, __u64 *seed)
{
	int i;

	for (i = 0; i < RECORD; i++)
		to[i] = random_below(seed, 256);
}

/* Change one of @n records, which have room for one more; returns how many. */
static size_t mutate_records(__u8 *data, size_t n, __u64 *seed)
{
	__u8 *at = data + RECORD * random_below(seed, n);
	size_t rest = data + RECORD * n - at;

	switch (random_below(seed, 6)) {
	case 0:
		memmove(at, at + RECORD, rest - RECORD);
		return n - 1;
	case 1:
		memmove(at + RECORD, at, rest);
		return n + 1;
	case 2:
		memmove(at + RECORD, at, rest);
		random_record(at, seed);
		return n + 1;
	case 3:
		random_record(at, seed);
		return n;
	default:
		at[random_below(seed, RECORD)] = random_below(seed, 256);
		return n;
	}
}

/* What follows is called by libFuzzer, by these names. */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *path = getenv("XXSHM_CURRENT"), *kmsg = getenv("XXSHM_KMSG");
	const char *wanted = getenv("XXSHM_OPERATIONS");

	page = page_size();
	printing = !!getenv("XXSHM_PRINT");
	operations_wanted = wanted ? strtoull(wanted, NULL, 10) : 0;
	if (path)
		current_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (kmsg)
		kmsg_fd = open(kmsg, O_WRONLY | O_CLOEXEC);
	tally_open();
	coverage_open();
	catch_faults();
	/* Where the kernel can do so, allocations fail on demand. */
	if (!access("/proc/self/fail-nth", F_OK) && set_up_faults()) {
		perror("setting up failures");
		exit(2);
	}
	if (drop_capability(CAP_IPC_LOCK)) {
		perror("dropping CAP_IPC_LOCK");
		exit(2);
	}
	oracle_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	if (printing) {
		repeat_input(data, size);
		return 0;
	}
	try_input(data, size);
	if (tally->inputs % RELOAD_AFTER == 0)
		reload();
	/* libFuzzer ends in good order when it gets this. */
	if (operations_wanted && tally->operations >= operations_wanted)
		raise(SIGUSR1);
	return 0;
}

/* Whole records, so that one operation more leaves the others as they were. */
size_t LLVMFuzzerCustomMutator(__u8 *data, size_t size, size_t max,
			       unsigned int seed)
{
	size_t n = size / RECORD, room = max / RECORD;
	/* Small seeds begin alike. */
	__u64 state = (seed + 1) * 0x9e3779b97f4a7c15UL;
	__u32 steps;

	if (n > MAX_RECORDS)
		n = MAX_RECORDS;
	while (n < room / 2)
		random_record(data + RECORD * n++, &state);
	steps = 1 + random_below(&state, n / 2);
	while (n && n < room && steps--)
		n = mutate_records(data, n, &state);
	return n * RECORD;
}
