/* SPDX-License-Identifier: MIT
 *
 * Asks for a tap and reads its stream.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <prong/address.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "amount.h"
#include "answer.h"
#include "call.h"
#include "client.h"
#include "log.h"
#include "pcap.h"
#include "tap_stream.h"
#include "tap_text.h"

/* After its time the worker says the end itself; one that stands still does not. */
#define GRACE_MS 5000

/* How it is shown, and how far the stream is read. */
struct tapped {
    FILE *file; /* of packets; NULL: it is text */
    bool hex;
    uint64_t milliseconds;
    struct pcap pcap;
    bool has_head, has_end;
    struct tap_record end;
    uint64_t offset[2];
    uint8_t bytes[16 * PIPE_BUF];
    size_t size;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* --- Records --- */

static void begin(struct tapped *tapped, const struct tap_head *head)
{
    struct prong_address client = {.family = head->client.family, .port = head->client.port};
    char address[PRONG_ADDRESS_TEXT_SIZE], server[256];

    tapped->has_head = true;
    tapped->offset[0] = head->bytes_read;
    tapped->offset[1] = head->bytes_written;
    if (client.family != AF_INET && client.family != AF_INET6)
        client = (struct prong_address){.family = AF_UNIX};
    memcpy(client.ip, head->client.ip, sizeof(client.ip));
    (void)fprintf(stderr, "prongctl: connection %llu of %s, client %s\n",
                  (unsigned long long)head->connection,
                  log_escape(head->server, strlen(head->server), server, sizeof(server)),
                  prong_address_format(&client, address, sizeof(address)));
    if (tapped->file != NULL)
        pcap_begin(&tapped->pcap, tapped->file, head);
}

static void show(struct tapped *tapped, const struct tap_record *record, const uint8_t *bytes)
{
    bool output = record->kind % 2 == TAP_OUTPUT;
    bool has_bytes = record->kind <= TAP_OUTPUT;

    if (tapped->file != NULL && has_bytes)
        pcap_add(&tapped->pcap, record, bytes);
    else if (tapped->file != NULL)
        pcap_skip(&tapped->pcap, output, record->size);
    else if (!has_bytes)
        tap_text_note(record);
    else if (tapped->hex)
        tap_text_hex(record, bytes, tapped->offset[output]);
    else
        tap_text_lines(record, bytes);
    tapped->offset[output] += record->size;
}

/* What is whole of the stream.  Bytes that it takes, 0 when it needs more, or a negative code. */
static long take(struct tapped *tapped, const uint8_t *bytes, size_t size)
{
    struct tap_record record;
    struct tap_head head;
    long taken;

    if (!tapped->has_head) {
        taken = tap_stream_head(&head, bytes, size);
        if (taken > 0)
            begin(tapped, &head);
        return taken;
    }
    taken = tap_stream_record(&record, bytes, size);
    if (taken <= 0)
        return taken;
    if (record.kind == TAP_END) {
        tapped->has_end = true;
        tapped->end = record;
    } else {
        show(tapped, &record, bytes + sizeof(record));
    }
    return taken;
}

static int take_all(struct tapped *tapped)
{
    size_t done = 0;
    long taken = 1;

    while (taken > 0 && !tapped->has_end) {
        taken = take(tapped, tapped->bytes + done, tapped->size - done);
        done += taken > 0 ? (size_t)taken : 0;
    }
    tapped->size -= done;
    memmove(tapped->bytes, tapped->bytes + done, tapped->size);
    (void)fflush(tapped->file != NULL ? tapped->file : stdout);
    return taken < 0 ? (int)taken : 0;
}

/* --- The pipe --- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1: more may follow; 0: it is the end; or -errno. */
static int read_some(struct tapped *tapped, int fd, int64_t deadline)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int64_t left = deadline - now_ms();
    ssize_t got;

    if (left <= 0)
        return -ETIMEDOUT;
    if (poll(&poller, 1, left > 1000 ? 1000 : (int)left) <= 0)
        return 1;
    got = read(fd, tapped->bytes + tapped->size, sizeof(tapped->bytes) - tapped->size);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -errno;
    tapped->size += (size_t)got;
    return got > 0;
}

static int read_stream(struct tapped *tapped, int fd)
{
    int64_t deadline = now_ms() + (int64_t)tapped->milliseconds + GRACE_MS;
    int result = 1, error = 0;

    while (result > 0 && error == 0 && !tapped->has_end && interrupted == 0) {
        result = read_some(tapped, fd, deadline);
        if (result > 0)
            error = take_all(tapped);
    }
    return error < 0 ? error : result;
}

/* Says why it ended.  The exit status. */
static int conclude(const struct tapped *tapped, int result)
{
    static const char *const reasons[TAP_REASONS] = {
        [TAP_CLOSED] = "the connection has ended",
        [TAP_MOVED] = "the connection has moved to another process; its number stays the same",
        [TAP_BYTES] = "the bound of --bytes is reached",
        [TAP_TIME] = "the bound of --seconds is reached",
        [TAP_WORKER] = "the worker has ended",
    };
    const char *why = "the end of the stream is missing: its worker is gone, or it was read too "
                      "slowly";

    if (tapped->has_end)
        why = reasons[tapped->end.reason];
    else if (interrupted != 0)
        why = "interrupted";
    else if (result == -EPROTO || result == -EPROTONOSUPPORT)
        why = "the stream is not understood: prongctl and prongd are of different versions";
    else if (result < 0)
        why = strerror(-result);
    (void)fprintf(stderr, "prongctl: %s\n", why);
    return tapped->has_end || interrupted != 0 ? 0 : CALL_SYSTEM;
}

/* Ctrl-C ends it in good order; nothing restarts the poll. */
static int follow(struct tapped *tapped, int fd)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    int result;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    result = read_stream(tapped, fd);
    return conclude(tapped, result);
}

/* --- The command --- */

/* 0, or an exit status: it was said what is wrong. */
static int read_options(struct tapped *tapped, const struct call *call, uint64_t *bytes)
{
    const char *size = call_option(call, "bytes"), *seconds = call_option(call, "seconds");
    uint64_t number = 60;

    *bytes = 65536;
    if (call->json)
        return call_fail_usage("tap has no JSON; --pcap FILE is for programs");
    if (size != NULL && (!amount_read_bytes(size, bytes) || *bytes == 0))
        return call_fail_usage("--bytes takes a number of bytes, as 4K or 1M");
    if (seconds != NULL && (!amount_read_number(seconds, &number) || number == 0 || number > 86400))
        return call_fail_usage("--seconds takes a number from 1 to 86400");
    tapped->milliseconds = number * 1000;
    tapped->hex = call_option(call, "hex") != NULL;
    if (tapped->hex && call_option(call, "pcap") != NULL)
        return call_fail_usage("--hex and --pcap exclude each other");
    return 0;
}

/* What is tapped is for nobody else's eyes. */
static int open_file(struct tapped *tapped, const char *path)
{
    int fd;

    if (strcmp(path, "-") == 0) {
        tapped->file = stdout;
        return 0;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0)
        tapped->file = fdopen(fd, "w");
    if (tapped->file != NULL)
        return 0;
    (void)fprintf(stderr, "prongctl: %s: %s\n", path, strerror(errno));
    return CALL_SYSTEM;
}

static int close_file(struct tapped *tapped)
{
    bool failed;

    if (tapped->file == NULL || tapped->file == stdout)
        return 0;
    failed = ferror(tapped->file) != 0;
    failed |= fclose(tapped->file) != 0;
    if (failed)
        (void)fprintf(stderr, "prongctl: the file of packets is not complete: %s\n",
                      strerror(errno));
    return failed ? CALL_SYSTEM : 0;
}

/* The answer's descriptor is the stream. */
static int run(struct tapped *tapped, struct call *call, json_t *answer,
               const struct client_fds *fds)
{
    const char *path = call_option(call, "pcap");
    int status, closed;

    if (!json_is_true(json_object_get(answer, "ok")) || fds->count != 1)
        return answer_show(answer, COMMAND_TAP, call->json);
    status = path != NULL ? open_file(tapped, path) : 0;
    if (status != 0)
        return status;
    status = follow(tapped, fds->list[0]);
    closed = close_file(tapped);
    return status != 0 ? status : closed;
}

int tap_run(struct call *call)
{
    struct client_fds fds = {0};
    struct tapped *tapped = calloc(1, sizeof(*tapped));
    uint64_t bytes;
    int status = tapped != NULL ? read_options(tapped, call, &bytes) : CALL_SYSTEM;
    json_t *answer = NULL;

    if (status == 0)
        answer = call_ask_with_for_fds(
            call, COMMAND_TAP,
            json_pack(
                "[s, o, o]", call->words[0],
                json_sprintf("--bytes=%llu", (unsigned long long)bytes),
                json_sprintf("--seconds=%llu", (unsigned long long)(tapped->milliseconds / 1000))),
            &fds);
    if (answer != NULL)
        status = run(tapped, call, answer, &fds);
    else if (status == 0)
        status = CALL_SYSTEM;
    for (size_t i = 0; i < fds.count; i++)
        (void)close(fds.list[i]);
    free(fds.list);
    json_decref(answer);
    free(tapped);
    return status;
}
