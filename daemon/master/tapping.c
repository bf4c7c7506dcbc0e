/* SPDX-License-Identifier: MIT
 *
 * A pipe, and a question to all workers.
 */
#include "tapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "master_internal.h"
#include "request.h"
#include "survey.h"

#define DEFAULT_BYTES   UINT64_C(65536)
#define DEFAULT_SECONDS UINT64_C(60)

/* A day, and what a pcap file is still handled with. */
#define MOST_BYTES   (UINT64_C(1) << 40)
#define MOST_SECONDS UINT64_C(86400)

/* So much can be on its way to prongctl, when the system allows it. */
#define PIPE_SIZE (1 << 20)

/* --- The answer --- */

/* Why nobody taps it: somebody has said so, or nobody has it. */
static json_t *refusal(const struct survey *survey)
{
    bool is_whole = true;

    for (size_t i = 0; i < survey->part_count; i++) {
        if (survey->parts[i].error == -EBUSY)
            return request_refusal(EXIT_FAILURE,
                                   "the connection is tapped already, or its worker taps too many");
        if (survey->parts[i].state == SURVEY_PART_FAILED)
            is_whole = false;
    }
    return request_refusal(EXIT_FAILURE, "no connection has the number %llu%s",
                           (unsigned long long)survey->asked[0],
                           is_whole ? "" : ", or its worker did not answer");
}

static void answer(struct survey *survey)
{
    int *fds = malloc(sizeof(*fds));

    if (survey->found_count == 0 || fds == NULL) {
        control_answer(survey->client, fds != NULL ? refusal(survey) : NULL);
        free(fds);
        return;
    }
    fds[0] = survey->fd;
    survey->fd = -1;
    control_answer_with(survey->client, json_pack("{s:b}", "ok", 1), fds, 1);
}

/* --- The question --- */

/* A number from 1 to `most`; `otherwise` for NULL; 0: it is none. */
static uint64_t read_number(const char *text, uint64_t otherwise, uint64_t most)
{
    unsigned long long number;
    char *end;

    if (text == NULL)
        return otherwise;
    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && number <= most ? number : 0;
}

static void ask(struct master *master, struct control_client *client, struct message_tap *tap)
{
    int ends[2];
    struct survey_question question = {.message = MESSAGE_TAP,
                                       .payload = tap,
                                       .payload_size = sizeof(*tap),
                                       .ids = &tap->connection,
                                       .id_count = 1,
                                       .keep = &ends[0],
                                       .pass = &ends[1],
                                       .answer = answer};

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        control_answer(
            client, request_refusal(EXIT_FAILURE, "the pipe cannot be made: %s", strerror(errno)));
        return;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
    survey_start(&master->surveys, &question, client);
    close(ends[1]);
}

void tapping_begin(struct control_client *client, const json_t *arguments, void *user)
{
    const char *bytes = request_option(arguments, "bytes");
    const char *seconds = request_option(arguments, "seconds");
    struct message_tap tap = {
        .connection = read_number(request_argument(arguments, 0), 0, INT64_MAX),
        .bytes = read_number(bytes, DEFAULT_BYTES, MOST_BYTES),
        .milliseconds = read_number(seconds, DEFAULT_SECONDS, MOST_SECONDS) * 1000,
    };

    if (tap.connection == 0)
        control_answer(client, request_refusal(2, "tap takes the number of a connection"));
    else if (tap.bytes == 0 || tap.milliseconds == 0)
        control_answer(client, request_refusal(2,
                                               "--bytes takes a number from 1 to %llu, --seconds "
                                               "one from 1 to %llu",
                                               (unsigned long long)MOST_BYTES,
                                               (unsigned long long)MOST_SECONDS));
    else
        ask(user, client, &tap);
}
