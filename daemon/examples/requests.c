/* SPDX-License-Identifier: MIT
 *
 * What each request does, a row each, and what is answered.
 */
#include "requests.h"

#include <errno.h>
#include <inttypes.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

#define WORDS      32
#define REPLY_SIZE 512
#define MONTH_S    (30 * 24 * 60 * 60)

struct words {
    struct store_key list[WORDS];
    size_t count;
};

/* The connection's state begins with it. */
static struct block *block_of(struct prong_socket *socket)
{
    return prongd_state(socket);
}

static struct store *store_of(struct prong_socket *socket)
{
    return prongd_service_user(prongd_service(socket));
}

/* --- Answers --- */

/* Whose answers are not read is not read either: see may_go_on(). */
static void answer(struct prong_socket *socket, const char *text)
{
    if (prong_socket_write(socket, text, strlen(text)) < 0)
        prong_socket_destroy(socket, 0);
}

static void answer_unless(bool is_quiet, struct prong_socket *socket, const char *text)
{
    if (!is_quiet)
        answer(socket, text);
}

void requests_refuse(struct prong_socket *socket, const char *text)
{
    prongd_count(prongd_service(socket), ERRORS, 1);
    answer(socket, text);
}

/* False: the client was told.  Nothing has to be mended where its last holder died (store.h). */
static bool lock(struct prong_socket *socket)
{
    if (prongd_shared_lock(prongd_service(socket)) >= 0)
        return true;
    requests_refuse(socket, "SERVER_ERROR busy\r\n");
    return false;
}

static void unlock(struct prong_socket *socket)
{
    prongd_shared_unlock(prongd_service(socket));
}

/* --- Words --- */

static void split(const struct prong_bytes *line, struct words *words)
{
    const char *at = line->bytes, *end = at + line->size;

    words->count = 0;
    while (words->count < WORDS) {
        const char *begin;

        while (at < end && *at == ' ')
            at++;
        begin = at;
        while (at < end && *at != ' ')
            at++;
        if (at == begin)
            return;
        words->list[words->count++] = (struct store_key){begin, (size_t)(at - begin)};
    }
}

static bool is_word(const struct store_key *word, const char *text)
{
    return word->size == strlen(text) && memcmp(word->bytes, text, word->size) == 0;
}

static bool is_key(const struct store_key *word)
{
    for (size_t i = 0; i < word->size; i++)
        if ((unsigned char)word->bytes[i] <= ' ' || word->bytes[i] == 127)
            return false;
    return word->size <= STORE_KEY_MOST;
}

/* Digits, and in front of them perhaps a minus.  False: it is no number of so many bits. */
static bool read_number(const struct store_key *word, int64_t least, uint64_t most,
                        uint64_t *number)
{
    char text[32], *end;
    bool is_negative = word->size > 0 && word->bytes[0] == '-';

    if (word->size == 0 || word->size >= sizeof(text))
        return false;
    memcpy(text, word->bytes, word->size);
    text[word->size] = '\0';
    if (strspn(text + is_negative, "0123456789") != word->size - is_negative ||
        word->size == is_negative)
        return false;
    errno = 0;
    *number = is_negative ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    return is_negative ? (int64_t)*number >= least : *number <= most;
}

static bool ends_quietly(const struct words *words, size_t at)
{
    return words->count == at + 1 && is_word(&words->list[at], "noreply");
}

/* --- Requests --- */

/* Copied, for the writing is done without the lock.  NULL: it is not there. */
static char *copy_value(struct prong_socket *socket, const struct store_key *key, size_t *size)
{
    struct store *store = store_of(socket);
    struct store_value value;
    char *reply = NULL;
    int head;

    store_count(store, STORE_GET);
    if (!store_get(store, key, &value))
        return NULL;
    store_count(store, STORE_HIT);
    reply = malloc(value.size + REPLY_SIZE);
    if (reply == NULL)
        return NULL;
    head = snprintf(reply, REPLY_SIZE, "VALUE %.*s %" PRIu32 " %zu\r\n", (int)key->size, key->bytes,
                    value.flags, value.size);
    memcpy(reply + head, value.bytes, value.size);
    memcpy(reply + head + value.size, "\r\n", 2);
    *size = (size_t)head + value.size + 2;
    return reply;
}

static void get_one(struct prong_socket *socket, const struct store_key *key)
{
    size_t size = 0;
    char *reply;

    if (!lock(socket))
        return;
    reply = copy_value(socket, key, &size);
    unlock(socket);
    if (reply != NULL && prong_socket_write(socket, reply, size) < 0)
        prong_socket_destroy(socket, 0);
    free(reply);
}

static void get(struct prong_socket *socket, const struct words *words)
{
    for (size_t i = 1; i < words->count; i++) {
        if (!is_key(&words->list[i])) {
            requests_refuse(socket, "CLIENT_ERROR bad key\r\n");
            return;
        }
    }
    prong_socket_cork(socket);
    for (size_t i = 1; i < words->count; i++)
        get_one(socket, &words->list[i]);
    answer(socket, words->count > 1 ? "END\r\n" : "ERROR\r\n");
    prong_socket_uncork(socket);
}

/* As memcached has it: a time span up to a month, a date above; a negative one has passed. */
static uint32_t expiry_of(uint64_t number)
{
    if ((int64_t)number < 0)
        return 1;
    if (number == 0 || number > MONTH_S)
        return (uint32_t)number;
    return (uint32_t)((uint64_t)time(NULL) + number);
}

/* The line of a set: its block follows, which is dropped when it is too long. */
static void begin_set(struct prong_socket *socket, const struct words *words)
{
    struct block block = {.is_expected = 1, .is_quiet = ends_quietly(words, 5)};
    uint64_t flags, expiry;

    if ((words->count != 5 && !block.is_quiet) || !is_key(&words->list[1]) ||
        !read_number(&words->list[2], 0, UINT32_MAX, &flags) ||
        !read_number(&words->list[3], INT32_MIN, UINT32_MAX, &expiry) ||
        !read_number(&words->list[4], 0, UINT32_MAX, &block.size)) {
        requests_refuse(socket, "CLIENT_ERROR bad command line format\r\n");
        return;
    }
    block.flags = (uint32_t)flags;
    block.expiry_s = expiry_of(expiry);
    block.key_size = (uint8_t)words->list[1].size;
    memcpy(block.key, words->list[1].bytes, block.key_size);
    if (block.size > store_value_most(store_of(socket))) {
        block.is_expected = 0;
        block.skipped = block.size + 2;
        requests_refuse(socket, "SERVER_ERROR object too large for cache\r\n");
    }
    *block_of(socket) = block;
}

void requests_finish_set(struct prong_socket *socket, const struct prong_bytes *data)
{
    const struct block *block = block_of(socket);
    const struct store_key key = {block->key, block->key_size};
    const struct store_value value = {data->bytes, (size_t)block->size, block->flags,
                                      block->expiry_s};

    if (memcmp((const char *)data->bytes + block->size, "\r\n", 2) != 0) {
        requests_refuse(socket, "CLIENT_ERROR bad data chunk\r\n");
        return;
    }
    if (!lock(socket))
        return;
    store_count(store_of(socket), STORE_SET);
    (void)store_set(store_of(socket), &key, &value);
    unlock(socket);
    answer_unless(block->is_quiet, socket, "STORED\r\n");
}

static void delete (struct prong_socket *socket, const struct words *words)
{
    bool is_quiet = ends_quietly(words, 2), was_there;

    if ((words->count != 2 && !is_quiet) || !is_key(&words->list[1])) {
        requests_refuse(socket, "CLIENT_ERROR bad command line format\r\n");
        return;
    }
    if (!lock(socket))
        return;
    was_there = store_delete(store_of(socket), &words->list[1]);
    if (was_there)
        store_count(store_of(socket), STORE_DELETED);
    unlock(socket);
    answer_unless(is_quiet, socket, was_there ? "DELETED\r\n" : "NOT_FOUND\r\n");
}

/* Under the lock: one worker at a time counts.  What to answer. */
static void add(struct store *store, const struct store_key *key, uint64_t number,
                char reply[REPLY_SIZE])
{
    struct store_value value;
    uint64_t sum;
    char digits[32];

    if (!store_get(store, key, &value)) {
        snprintf(reply, REPLY_SIZE, "NOT_FOUND\r\n");
        return;
    }
    if (!read_number(&(struct store_key){value.bytes, value.size}, 0, UINT64_MAX, &sum)) {
        snprintf(reply, REPLY_SIZE,
                 "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
        return;
    }
    value.size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, sum + number);
    value.bytes = digits;
    (void)store_set(store, key, &value);
    snprintf(reply, REPLY_SIZE, "%s\r\n", digits);
}

static void increment(struct prong_socket *socket, const struct words *words)
{
    bool is_quiet = ends_quietly(words, 3);
    char reply[REPLY_SIZE];
    uint64_t number;

    if ((words->count != 3 && !is_quiet) || !is_key(&words->list[1])) {
        requests_refuse(socket, "CLIENT_ERROR bad command line format\r\n");
        return;
    }
    if (!read_number(&words->list[2], 0, UINT64_MAX, &number)) {
        requests_refuse(socket, "CLIENT_ERROR invalid numeric delta argument\r\n");
        return;
    }
    if (!lock(socket))
        return;
    add(store_of(socket), &words->list[1], number, reply);
    unlock(socket);
    answer_unless(is_quiet, socket, reply);
}

static void stats(struct prong_socket *socket, const struct words *words)
{
    const struct store *store = store_of(socket);
    uint64_t gets = store_counted(store, STORE_GET), hits = store_counted(store, STORE_HIT);
    char reply[REPLY_SIZE];

    (void)words;
    snprintf(
        reply, sizeof(reply),
        "STAT pid %d\r\nSTAT time %lld\r\nSTAT cmd_get %" PRIu64 "\r\nSTAT cmd_set %" PRIu64
        "\r\nSTAT get_hits %" PRIu64 "\r\nSTAT get_misses %" PRIu64 "\r\nSTAT delete_hits %" PRIu64
        "\r\nSTAT bytes %" PRIu64 "\r\nSTAT limit_maxbytes %" PRIu64 "\r\nEND\r\n",
        (int)getpid(), (long long)time(NULL), gets, store_counted(store, STORE_SET), hits,
        gets - hits, store_counted(store, STORE_DELETED), store_used(store), store_size(store));
    answer(socket, reply);
}

static void version(struct prong_socket *socket, const struct words *words)
{
    (void)words;
    answer(socket, "VERSION kv 1.0\r\n");
}

static void quit(struct prong_socket *socket, const struct words *words)
{
    (void)words;
    prong_socket_end(socket);
}

struct request {
    const char *name;
    void (*serve)(struct prong_socket *socket, const struct words *words);
};

static const struct request requests[] = {
    {"get", get},     {"set", begin_set},   {"delete", delete}, {"incr", increment},
    {"stats", stats}, {"version", version}, {"quit", quit},
};

void requests_serve_line(struct prong_socket *socket, const struct prong_bytes *line)
{
    struct words words;

    split(line, &words);
    prongd_count(prongd_service(socket), REQUESTS, 1);
    for (size_t i = 0; words.count > 0 && i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (is_word(&words.list[0], requests[i].name)) {
            requests[i].serve(socket, &words);
            return;
        }
    }
    requests_refuse(socket, "ERROR\r\n");
}
