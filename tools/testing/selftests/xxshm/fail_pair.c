// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of two processes fails to allocate an object that both need: the other one gets it.
 */
#include <sys/prctl.h>

#include "harness.h"
#include "meet.h"
#include "sequence.h"

FIXTURE(pair) {
	struct meeting *meeting;
	struct state state;
};

#define PAIRS	60	/* rounds, each with a device of its own */

FIXTURE_SETUP(pair)
{
	self->state = (struct state){
		.parameters = "instances=64 size=128K", .page = page_size(),
		.fd = -1,
	};
	self->meeting = meeting_new(2, PAIRS, 60);
	ASSERT_NE(NULL, self->meeting);
	ASSERT_EQ(0, set_up_faults());
	ASSERT_EQ(0, set_up_loaded(&self->state));
	/* A process that changed its user cannot open these files of its own. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
}

FIXTURE_TEARDOWN_PARENT(pair)
{
	EXPECT_EQ(0, module_unload());
}

/*
 * Returns the number of errors. Process 0 fails, at a later point in each round. Each
 * process has a copy of the fixture; the state is in memory that both share.
 */
static int map_first(struct meeting *meeting, struct state state, int self)
{
	int wrong = 0, faults = open_faults(), err;

	while (begin(meeting, self)) {
		wrong += make_new_file(&state) != 0;
		meet(meeting);
		if (!self)
			arm(faults, 3 + meeting->rounds % 20);
		err = map(&state);
		disarm(faults);
		if (!self)
			meeting->won[!err]++;
		wrong += err && (self || err != ENOMEM);
		wrong += !err && check_zero(&state);
		meet(meeting);
		end(&state);
		meet(meeting);
	}
	return wrong;
}

/* The same for the page tables that a first access needs. */
static int touch_first(struct meeting *meeting, struct state state, int self)
{
	int wrong = 0, faults = open_faults();

	while (begin(meeting, self)) {
		wrong += make_lonely_mapping(&state) != 0;
		meet(meeting);
		if (!self)
			arm(faults, 1 + meeting->rounds % 3);
		touch(&state);
		if (!self)
			meeting->won[!disarm(faults)]++;
		wrong += state.map[state.len - state.page] != 'x';
		meet(meeting);
		end(&state);
		meet(meeting);
	}
	return wrong;
}

TEST_F(pair, access_that_fails_beside_another_is_repeated)
{
	pid_t pid;

	if (fork_pair(&pid))
		_exit(touch_first(self->meeting, self->state, 1) ? 1 : 0);
	EXPECT_EQ(0, touch_first(self->meeting, self->state, 0));
	EXPECT_EQ(0, wait_for(pid));
	TH_LOG("%u times an access failed at first", self->meeting->won[1]);
	EXPECT_GT(self->meeting->won[1], 5);
}

TEST_F(pair, who_does_not_fail_gets_the_memory)
{
	pid_t pid;

	if (fork_pair(&pid))
		_exit(map_first(self->meeting, self->state, 1) ? 1 : 0);
	EXPECT_EQ(0, map_first(self->meeting, self->state, 0));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(0, user_locked(self->state.watch));
	TH_LOG("%u times one failed, %u times it did not need to allocate",
	       self->meeting->won[0], self->meeting->won[1]);
	EXPECT_GT(self->meeting->won[0], 5);
	EXPECT_GT(self->meeting->won[1], 5);
}

TEST_HARNESS_MAIN
