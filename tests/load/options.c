/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* A number on the command line, with its limits. */
struct number {
    const char *name;
    double least, most, fallback;
    const char *help;
};

enum { CONNECTIONS, STREAMS, SLOW, SHORTS, INTERVAL, CHUNK, PATIENCE, SEED, NUMBER_COUNT };

static const struct number numbers[NUMBER_COUNT] = {
    [CONNECTIONS] = {"connections", 0, 1000000, 100, "how many stay open"},
    [STREAMS] = {"streams", 0, 1000000, 10, "how many of these send all the time"},
    [SLOW] = {"slow", 0, 1000000, 2, "how many of the streams read in fits and starts"},
    [SHORTS] = {"shorts", 0, 10000, 0, "beside them: connect, send, end, over and over"},
    [INTERVAL] = {"interval", 0.001, 60, 0.1, "seconds from a stream's chunk to its next"},
    [CHUNK] = {"chunk", 1, 60000, 8000, "a chunk's greatest size"},
    [PATIENCE] = {"patience", 0.1, 600, 30, "seconds that an answer may take"},
    [SEED] = {"seed", 0, 1e15, 1, "where the random numbers begin"},
};

static void fail_usage(const char *problem, const char *text)
{
    fprintf(stderr, "steady-load: %s %s\n", problem, text);
    fprintf(stderr, "usage: steady-load [--NAME=NUMBER …] ADDRESS…\n"
                    "ADDRESS is IPV4:PORT, [IPV6]:PORT, a unix socket's /PATH or @NAME\n");
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        fprintf(stderr, "  --%-12s %s (%g)\n", numbers[i].name, numbers[i].help,
                numbers[i].fallback);
    exit(2);
}

static double parse_number(const struct number *number, const char *text)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= number->least) ||
        value > number->most)
        fail_usage(number->name, text);
    return value;
}

static socklen_t parse_unix(struct sockaddr_un *address, const char *text)
{
    size_t length = strlen(text);

    if (length >= sizeof(address->sun_path))
        fail_usage("too long:", text);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, text, length);
    if (text[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static socklen_t parse_ip(struct sockaddr_storage *name, char *host, in_port_t port)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)name;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)name;
    size_t length = strlen(host);

    if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = port;
        return sizeof(*ipv4);
    }
    if (length < 2 || host[0] != '[' || host[length - 1] != ']')
        fail_usage("no address:", host);
    host[length - 1] = '\0';
    if (inet_pton(AF_INET6, host + 1, &ipv6->sin6_addr) != 1)
        fail_usage("no address:", host + 1);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = port;
    return sizeof(*ipv6);
}

static socklen_t parse_address(struct sockaddr_storage *name, char *text)
{
    static const struct number port = {"port", 1, 65535, 0, ""};
    char *colon = strrchr(text, ':');

    if (text[0] == '/' || text[0] == '@')
        return parse_unix((struct sockaddr_un *)name, text);
    if (colon == NULL)
        fail_usage("no address:", text);
    *colon = '\0';
    return parse_ip(name, text, htons((uint16_t)parse_number(&port, colon + 1)));
}

static void parse_numbers(double *values, int argc, char **argv)
{
    struct option rows[NUMBER_COUNT + 1] = {{0}};
    int row;

    for (row = 0; row < NUMBER_COUNT; row++) {
        values[row] = numbers[row].fallback;
        rows[row] = (struct option){numbers[row].name, required_argument, NULL, row};
    }
    while ((row = getopt_long(argc, argv, "", rows, NULL)) != -1) {
        if (row == '?')
            fail_usage("an option that there is not:", argv[optind - 1]);
        values[row] = parse_number(&numbers[row], optarg);
    }
}

void options_parse(struct options *options, int argc, char **argv)
{
    double values[NUMBER_COUNT];

    parse_numbers(values, argc, argv);
    *options = (struct options){
        .connections = (unsigned)values[CONNECTIONS],
        .streams = (unsigned)values[STREAMS],
        .slow = (unsigned)values[SLOW],
        .shorts = (unsigned)values[SHORTS],
        .interval_ns = (uint64_t)(values[INTERVAL] * 1e9),
        .chunk = (unsigned)values[CHUNK],
        .patience_ns = (uint64_t)(values[PATIENCE] * 1e9),
        .seed = (uint64_t)values[SEED],
    };
    if (options->streams > options->connections)
        options->streams = options->connections;
    if (options->slow > options->streams)
        options->slow = options->streams;
    for (; optind < argc && options->address_count < MAX_ADDRESSES; optind++) {
        unsigned i = options->address_count++;

        options->addresses[i].size = parse_address(&options->addresses[i].name, argv[optind]);
    }
    if (options->address_count == 0 || optind < argc)
        fail_usage("one to eight addresses are expected", "");
}
