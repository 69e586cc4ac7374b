// SPDX-License-Identifier: GPL-2.0-only
/* The names of drivers: which are refused, and that the kernel never warns. */
#include "../harness.h"
#include "doorman.h"

FIXTURE(names) {
	char parameters[128];
};

FIXTURE_SETUP(names)
{
	module_remove("doorman");
	ASSERT_EQ(0, module_load(""));
	ASSERT_EQ(0, log_clear());
}

FIXTURE_TEARDOWN_PARENT(names)
{
	module_remove("doorman");
	EXPECT_EQ(0, module_unload());
}

/* Load the driver as @parameters say, and unload it: 0 or the errno. */
static int insert_and_remove(const char *parameters)
{
	if (driver_insert("doorman", parameters))
		return errno;
	return module_remove("doorman") ? -1 : 0;
}

static int exists(const char *path)
{
	return !access(path, F_OK);
}

/* sysfs says so, with a stack trace, if a name is added twice. */
#define EXPECT_NO_WARNING() EXPECT_EQ(0, log_count("cannot create duplicate"))

TEST_F(names, folder_is_made_below_dev)
{
	ASSERT_EQ(0, driver_insert("doorman", "name=a/b"));
	EXPECT_TRUE(exists("/dev/a/b0"));
	EXPECT_TRUE(exists("/dev/a/b1"));
	EXPECT_TRUE(exists("/sys/class/xxshm-driver/a!b0"));
	EXPECT_EQ(0, module_remove("doorman"));
	EXPECT_FALSE(exists("/dev/a/b0"));
}

TEST_F(names, name_that_is_taken_is_ebusy)
{
	EXPECT_EQ(EBUSY, insert_and_remove("name=one again=one"));
	EXPECT_NO_WARNING();
}

TEST_F(names, name_with_folder_that_is_taken_is_ebusy)
{
	EXPECT_EQ(EBUSY, insert_and_remove("name=a/b again=a/b"));
	EXPECT_EQ(EBUSY, insert_and_remove("name=a/b again=a!b"));
	EXPECT_EQ(EBUSY, insert_and_remove("name=a!b again=a/b"));
	EXPECT_EQ(EBUSY, insert_and_remove("name=a!b/c again=a/b!c"));
	EXPECT_NO_WARNING();
}

/* The nodes of "a" and "a1" may be the same, or not. */
TEST_F(names, name_that_ends_in_a_digit)
{
	EXPECT_EQ(0, insert_and_remove("name=a again=a1"));
	EXPECT_EQ(0, insert_and_remove("name=a/ again=a"));
	EXPECT_NO_WARNING();
}

TEST_F(names, folder_that_leads_elsewhere_is_einval)
{
	const char * const wrong[] = {
		"/a", "a//b", "../a", "./a", "a/../b", "a/./b", "!a", "..!a", "/", "a!!b",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(self->parameters, sizeof(self->parameters), "name=%s", wrong[i]);
		EXPECT_EQ(EINVAL, insert_and_remove(self->parameters));
	}
}

TEST_F(names, dots_that_are_a_name_are_allowed)
{
	EXPECT_EQ(0, insert_and_remove("name=. again=.."));
	EXPECT_EQ(0, insert_and_remove("name=a/. again=.../a"));
	EXPECT_NO_WARNING();
}

TEST_F(names, control_character_is_einval)
{
	EXPECT_EQ(EINVAL, insert_and_remove("name=\"a\nb\""));
	EXPECT_EQ(EINVAL, insert_and_remove("name=a\x1bz"));
	EXPECT_EQ(EINVAL, insert_and_remove("name=a\x7f"));
	EXPECT_EQ(EINVAL, insert_and_remove("name="));
}

TEST_F(names, other_characters_are_allowed)
{
	EXPECT_EQ(0, insert_and_remove("name=%s%n again=%d"));
	EXPECT_EQ(0, insert_and_remove("name=\"a b\" again=\xc3\xa4"));
	EXPECT_EQ(0, insert_and_remove("name=a@b,c:d again=-"));
	EXPECT_NO_WARNING();
}

TEST_F(names, length_is_31_with_the_number)
{
	EXPECT_EQ(0, insert_and_remove("name=a23456789012345678901234567890"));
	EXPECT_EQ(EINVAL, insert_and_remove("name=a234567890123456789012345678901"));
	EXPECT_NO_WARNING();
}

/* Names of others are in other folders of sysfs. */
TEST_F(names, name_of_another_device_or_class)
{
	EXPECT_EQ(0, insert_and_remove("name=xxshm again=xxshm-driver"));
	EXPECT_EQ(0, insert_and_remove("name=tty again=power"));
	EXPECT_EQ(0, insert_and_remove("name=mem again=misc"));
	EXPECT_NO_WARNING();
	EXPECT_TRUE(exists(DEVICE));
}

TEST_HARNESS_MAIN
