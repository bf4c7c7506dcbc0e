/* SPDX-License-Identifier: MIT
 *
 * Every call inside every callback: whatever a program does, and whenever, nothing is used after it
 * was freed, nothing leaks, and the promises of the callbacks hold.
 */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void every_callback_happens_on_the_stage(void **state)
{
    static struct stage stage;

    (void)state;
    play(&stage, SOCKET_TIMEOUT, SELF, NULL); /* the one that takes time */
    for (int event = 0; event < EVENT_COUNT; event++) {
        if (!stage.seen[event])
            fail_msg("%s did not happen", event_names[event]);
    }
}

static void play_calls(enum event event, enum target target, const struct call *calls, size_t count)
{
    static struct stage stage;

    for (size_t i = 0; i < count; i++) {
        play(&stage, event, target, &calls[i]);
        if (target == SELF && stage.made == 0)
            fail_msg("%s was not called in %s", calls[i].name, event_names[event]);
    }
}

static void play_all(enum target target)
{
    for (int event = 0; event < EVENT_COUNT; event++) {
        play_calls((enum event)event, target, socket_calls, socket_call_count);
        play_calls((enum event)event, target, moving_calls, moving_call_count);
        play_calls((enum event)event, target, server_calls, server_call_count);
    }
}

static void r095_every_call_is_harmless_in_every_callback_of_its_object(void **state)
{
    (void)state;
    play_all(SELF);
}

static void r095_and_in_every_callback_of_another(void **state)
{
    (void)state;
    play_all(OTHER);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_callback_happens_on_the_stage),
    cmocka_unit_test(r095_every_call_is_harmless_in_every_callback_of_its_object),
    cmocka_unit_test(r095_and_in_every_callback_of_another),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
