/* SPDX-License-Identifier: MIT
 *
 * Configurations from a string.
 */
#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const moods[] = {"glad", "sad", NULL};

static const struct prongd_option greet_options[] = {
    {PRONGD_TEXT(struct greet_config, greeting), .name = "greeting", .fallback = "hello",
     .help = "What is said."},
    {PRONGD_LIST(struct greet_config, words), .name = "words", .fallback = "one, two",
     .help = "Which words are known."},
    {PRONGD_CHOICE(struct greet_config, mood), .name = "mood", .fallback = "glad", .choices = moods,
     .help = "How it is said."},
    {PRONGD_DURATION(struct greet_config, pause_ms), .name = "pause", .fallback = "1s", .least = 10,
     .most = 60000, .help = "How long it waits."},
    {PRONGD_SIZE(struct greet_config, limit_bytes), .name = "limit", .fallback = "4k", .least = 1,
     .help = "How much it reads."},
    {PRONGD_COUNT(struct greet_config, repeats), .name = "repeats", .example = "3",
     .help = "How often it is said."},
    {PRONGD_MODE(struct greet_config, file_mode), .name = "file_mode", .fallback = "0640",
     .most = 0777, .help = "The permissions of its file."},
    {PRONGD_BOOLEAN(struct greet_config, loud), .name = "loud", .fallback = "yes",
     .help = "Whether it is loud."},
};

static const struct prongd_handler echo = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "echo",
    .help = "Sends back what arrives.",
};

static const struct prongd_handler greet = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "greet",
    .help = "Greets.",
    .options = greet_options,
    .option_count = COUNT(greet_options),
    .config_size = sizeof(struct greet_config),
};

const struct prongd_handler *const config_handlers[] = {&echo, &greet, NULL};

struct config *config_from_bytes(const char *bytes, size_t size, struct config_problems *problems)
{
    FILE *stream =
        size == 0 ? fopen("/dev/null", "re") : fmemopen((void *)(uintptr_t)bytes, size, "r");
    struct config *config;

    assert_non_null(stream);
    config = config_load_stream(stream, CONFIG_NAME, config_handlers, problems);
    fclose(stream);
    return config;
}

struct config *config_from(const char *text)
{
    struct config_problems problems;
    struct config *config = config_from_bytes(text, strlen(text), &problems);

    if (config == NULL)
        fail_msg("%s", problems.text);
    assert_int_equal(problems.count, 0);
    assert_null(problems.text);
    return config;
}

char *config_problems_of(const char *text)
{
    struct config_problems problems;

    assert_null(config_from_bytes(text, strlen(text), &problems));
    assert_true(problems.count > 0);
    assert_non_null(problems.text);
    return problems.text;
}
