/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "client.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* A number on the command line, with its limits.  `unit` makes nanoseconds of seconds. */
struct number {
    const char *name;
    double least, most, fallback;
};

enum {
    HOST,
    PORT,
    CONNECTIONS,
    PIPELINE,
    SIZE,
    SECONDS,
    WARM_UP,
    MOST,
    RATE,
    DEADLINE,
    OPTION_COUNT
};

static const struct number numbers[OPTION_COUNT] = {
    [PORT] = {"port", 1, 65535, 0},          [CONNECTIONS] = {"connections", 1, 1000000, 64},
    [PIPELINE] = {"pipeline", 1, 1024, 1},   [SIZE] = {"size", 1, 65536, 64},
    [SECONDS] = {"seconds", 0.01, 3600, 1},  [WARM_UP] = {"warm-up", 0, 60, 0.2},
    [MOST] = {"most", 0, 1e15, 0},           [RATE] = {"rate", 1, 1e6, 2000},
    [DEADLINE] = {"deadline", 1, 7200, 120},
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, HOST},
    {"port", required_argument, NULL, PORT},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"pipeline", required_argument, NULL, PIPELINE},
    {"size", required_argument, NULL, SIZE},
    {"seconds", required_argument, NULL, SECONDS},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"most", required_argument, NULL, MOST},
    {"rate", required_argument, NULL, RATE},
    {"deadline", required_argument, NULL, DEADLINE},
    {NULL, 0, NULL, 0},
};

static double number_parse(const struct number *number, const char *text)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    if (errno == 0 && end != text && *end == '\0' && value >= number->least &&
        value <= number->most)
        return value;
    fprintf(stderr, "--%s %s: a number from %g to %g is expected\n", number->name, text,
            number->least, number->most);
    exit(2);
}

int options_parse(struct options *options, int argc, char **argv)
{
    double values[OPTION_COUNT];
    int row;

    for (row = 0; row < OPTION_COUNT; row++)
        values[row] = numbers[row].fallback;
    options->host = "127.0.0.1";
    while ((row = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (row == '?')
            exit(2);
        if (row == HOST)
            options->host = optarg;
        else
            values[row] = number_parse(&numbers[row], optarg);
    }
    options->port = (uint16_t)values[PORT];
    options->connections = (unsigned)values[CONNECTIONS];
    options->pipeline = (unsigned)values[PIPELINE];
    options->size = (unsigned)values[SIZE];
    options->seconds_ns = (uint64_t)(values[SECONDS] * 1e9);
    options->warm_up_ns = (uint64_t)(values[WARM_UP] * 1e9);
    options->most = (uint64_t)values[MOST];
    options->rate = (unsigned)values[RATE];
    options->deadline_s = (unsigned)values[DEADLINE];
    if (options->size * options->pipeline > CLIENT_SEND_MAX) {
        fprintf(stderr, "--size times --pipeline: at most %d bytes\n", CLIENT_SEND_MAX);
        exit(2);
    }
    return optind;
}
