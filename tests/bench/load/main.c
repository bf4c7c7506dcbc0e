/* SPDX-License-Identifier: MIT
 *
 * The load of the bench: one thread, every byte that comes back is checked.
 *
 *     bench-load echo --host 127.0.0.1 --port 7007 --connections 64 --seconds 1
 *
 * Prints one line of JSON for each phase and one with the result, and waits for a line on standard
 * input after each.
 */
#include "client.h"
#include "mode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mode *const modes[] = {&echo_mode,   &connect_mode, &idle_mode,    &short_mode,
                                           &arrive_mode, &upload_mode,  &exchange_mode};

#define MODE_COUNT (sizeof(modes) / sizeof(modes[0]))

static void wait_for_a_line(void)
{
    int c;

    fflush(stdout);
    do {
        c = getchar();
    } while (c != '\n' && c != EOF);
}

void mode_pause(const char *phase)
{
    printf("{\"phase\": \"%s\"}\n", phase);
    wait_for_a_line();
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < MODE_COUNT; i++)
        if (name != NULL && strcmp(modes[i]->name, name) == 0)
            return modes[i];
    fprintf(stderr, "usage: bench-load MODE [--host …] [--port …] …, MODE is one of\n");
    for (size_t i = 0; i < MODE_COUNT; i++)
        fprintf(stderr, "    %-10s %s\n", modes[i]->name, modes[i]->help);
    exit(2);
}

static double microseconds(const struct clients *clients, double share)
{
    return (double)histogram_quantile(&clients->latencies, share) / 1e3;
}

/* An operation of echo is a write of `pipeline` messages; what is counted is messages. */
void mode_report(const struct clients *clients, const char *name)
{
    double seconds = (double)(clients->last_ns - clients->started_ns) / 1e9;
    uint64_t count = clients->done * clients->options->pipeline;

    printf("{\"mode\": \"%s\", \"count\": %" PRIu64 ", \"seconds\": %.6f, \"rate\": %.1f, ", name,
           count, seconds, seconds > 0 ? (double)count / seconds : 0.0);
    printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, ", microseconds(clients, 0.5),
           microseconds(clients, 0.99), (double)clients->latencies.most_ns / 1e3);
    printf("\"late_us\": %.1f, \"greetings\": ", (double)clients->late_ns / 1e3);
    tally_print(&clients->greetings);
    printf(", \"lost\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"first_error\": \"%s\"}\n",
           clients->lost, clients->errors, clients->first_error);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct options options;
    struct clients clients;
    const struct mode *mode = find_mode(argv[options_parse(&options, argc, argv)]);

    alarm(options.deadline_s);
    clients_init(&clients, &options);
    mode->run(&clients);
    mode_report(&clients, mode->name);
    /* What is still open stays so until the servers' clocks have been read. */
    wait_for_a_line();
    clients_clear(&clients);
    return clients.errors + clients.lost == 0 ? 0 : 1;
}
