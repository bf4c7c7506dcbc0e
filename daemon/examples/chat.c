/* SPDX-License-Identifier: MIT
 *
 * chat: people with nicknames in rooms, who hear what the others say; a line each.
 *
 *     [server chat]
 *     listen  = *:7000
 *     handler = chat
 *
 * The first line of a client is its nickname.  After that, "/join ROOM" goes to another room,
 * "/who" lists who is in this one, "/version" tells which code answers, and anything else is said
 * to all in the room, whichever worker they are with: what is said is published, and every
 * connection hears it in on_message.  A reload that loads new code disconnects nobody, everybody
 * keeps the nickname (save and restore below), and nobody misses a line or hears one twice.
 */
#include <ctype.h>
#include <errno.h>
#include <prong/framing.h>
#include <prong/timer.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <string.h>

#include "roster.h"

#ifndef CHAT_VERSION
#define CHAT_VERSION "2.0"
#endif

#define LOBBY     "lobby"
#define LINE_SIZE 1024

struct config {
    char *welcome;
};

static const struct prongd_option options[] = {
    {PRONGD_TEXT(struct config, welcome), .name = "welcome", .fallback = "What is your name?",
     .help = "The line that everybody reads first."},
};

enum { LINES, LOST, TOO_SLOW };

static const struct prongd_counter counters[] = {
    [LINES] = {"lines", "Lines that were said."},
    [LOST] = {"lost", "Lines that somebody did not hear because broadcast_buffer was too small."},
    [TOO_SLOW] = {"too_slow", "Users who were sent away because they did not read."},
};

static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, LINE_SIZE};

/* What is saved of a user, besides half a line. */
struct user_state {
    char name[NAME_SIZE]; /* "": not told yet */
    char room[NAME_SIZE];
    int seat; /* in the roster */
};

struct user {
    struct prong_framing framing;
    struct user_state state;
};

/* What is published; the text follows. */
struct news {
    uint64_t from; /* does not hear it */
    char room[NAME_SIZE];
};

static struct user_state *user_of(struct prong_socket *socket)
{
    struct user *user = prongd_state(socket);

    return &user->state;
}

/* --- Saying something --- */

static void count(struct prong_socket *socket, size_t counter, uint64_t number)
{
    prongd_count(prongd_service(socket), counter, number);
}

/* Who does not read what others say is not worth any amount of memory. */
static void say(struct prong_socket *socket, const char *text, size_t size)
{
    int result = prong_framing_write(socket, &lines, text, size);

    if (result == 0)
        return;
    if (result == 1)
        count(socket, TOO_SLOW, 1);
    prong_socket_destroy(socket, 0);
}

static void say_text(struct prong_socket *socket, const char *text)
{
    say(socket, text, strlen(text));
}

/* To all in the user's room but the user. */
static void tell_others(struct prong_socket *socket, const char *text)
{
    struct news news = {.from = prongd_connection_id(socket)};
    char message[sizeof(news) + LINE_SIZE + NAME_SIZE];
    size_t size = strlen(text);

    memcpy(news.room, user_of(socket)->room, NAME_SIZE);
    memcpy(message, &news, sizeof(news));
    memcpy(message + sizeof(news), text, size);
    if (prongd_publish(prongd_service(socket), message, sizeof(news) + size) < 0)
        prongd_log(socket, PRONGD_LOG_WARNING, "a line was said to nobody");
}

static void on_message(struct prong_socket *socket, const void *bytes, size_t size)
{
    const struct user_state *user = user_of(socket);
    struct news news;

    if (size < sizeof(news) || user->name[0] == '\0')
        return;
    memcpy(&news, bytes, sizeof(news));
    if (news.from != prongd_connection_id(socket) && strncmp(news.room, user->room, NAME_SIZE) == 0)
        say(socket, (const char *)bytes + sizeof(news), size - sizeof(news));
}

static void on_lost(struct prongd_service *service, struct prong_socket *socket, uint64_t number)
{
    char text[64];

    if (socket == NULL || user_of(socket)->name[0] == '\0')
        return;
    prongd_count(service, LOST, number);
    snprintf(text, sizeof(text), "* %llu lines were lost", (unsigned long long)number);
    say_text(socket, text);
}

/* --- Names and rooms --- */

/* 1 to 23 letters or digits. */
static bool take_name(const char *letters, size_t size, char name[NAME_SIZE])
{
    if (size == 0 || size >= NAME_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)letters[i]))
            return false;
    }
    memset(name, 0, NAME_SIZE);
    memcpy(name, letters, size);
    return true;
}

static const char *reason(int error)
{
    if (error == -EEXIST)
        return "Somebody has that name already.";
    return error == -ENOSPC ? "The chat is full." : "Try again.";
}

static void announce(struct prong_socket *socket, const char *what)
{
    char text[3 * NAME_SIZE];

    snprintf(text, sizeof(text), "* %s is %s", user_of(socket)->name, what);
    tell_others(socket, text);
}

static void enter(struct prong_socket *socket, const char *letters, size_t size)
{
    struct user_state *user = user_of(socket);
    char name[NAME_SIZE], text[2 * NAME_SIZE];

    if (!take_name(letters, size, name)) {
        say_text(socket, "A name has 1 to 23 letters or digits.");
        return;
    }
    user->seat = roster_enter(prongd_service(socket), prongd_connection_id(socket), name, LOBBY);
    if (user->seat < 0) {
        say_text(socket, reason(user->seat));
        return;
    }
    memcpy(user->name, name, NAME_SIZE);
    snprintf(user->room, NAME_SIZE, LOBBY);
    announce(socket, "here");
    snprintf(text, sizeof(text), "* %s is here", name);
    say_text(socket, text);
}

static void join(struct prong_socket *socket, const char *letters, size_t size)
{
    struct user_state *user = user_of(socket);
    char room[NAME_SIZE], text[2 * NAME_SIZE];

    if (!take_name(letters, size, room)) {
        say_text(socket, "A room has 1 to 23 letters or digits.");
        return;
    }
    announce(socket, "gone");
    memcpy(user->room, room, NAME_SIZE);
    roster_move(prongd_service(socket), user->seat, prongd_connection_id(socket), room);
    announce(socket, "here");
    snprintf(text, sizeof(text), "* you are in %s", room);
    say_text(socket, text);
}

/* --- Lines --- */

static void list_names(struct prong_socket *socket)
{
    char names[LINE_SIZE - 16], text[LINE_SIZE];

    snprintf(text, sizeof(text), "* here:%s",
             roster_list(prongd_service(socket), user_of(socket)->room, names, sizeof(names)));
    say_text(socket, text);
}

static bool begins(const struct prong_bytes *line, const char *command)
{
    size_t size = strlen(command);

    return line->size >= size && memcmp(line->bytes, command, size) == 0;
}

static void speak(struct prong_socket *socket, const struct prong_bytes *line)
{
    char text[LINE_SIZE + NAME_SIZE];

    count(socket, LINES, 1);
    snprintf(text, sizeof(text), "%s: %.*s", user_of(socket)->name, (int)line->size,
             (const char *)line->bytes);
    tell_others(socket, text);
}

static void hear(struct prong_socket *socket, const struct prong_bytes *line)
{
    if (user_of(socket)->name[0] == '\0')
        enter(socket, line->bytes, line->size);
    else if (begins(line, "/join "))
        join(socket, (const char *)line->bytes + 6, line->size - 6);
    else if (begins(line, "/who"))
        list_names(socket);
    else if (begins(line, "/version"))
        say_text(socket, "* chat " CHAT_VERSION);
    else
        speak(socket, line);
}

/* --- The life of a connection --- */

static void on_connection(struct prong_socket *socket)
{
    const struct config *config = prongd_config(socket);
    struct user *user = prongd_state(socket);

    if (prong_framing_init(&user->framing, &lines) < 0)
        prong_socket_destroy(socket, 0);
    else if (config->welcome != NULL)
        say_text(socket, config->welcome);
}

/* What was heard may have ended the connection. */
static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct user *user = prongd_state(socket);
    struct prong_bytes input = {bytes, size}, line;
    int result;

    while ((result = prong_framing_next(&user->framing, &input, &line)) == 1) {
        hear(socket, &line);
        if (!prong_socket_is_writable(socket))
            return;
    }
    if (result < 0)
        prong_socket_destroy(socket, 0);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    struct user *user = prongd_state(socket);

    (void)had_error;
    if (user->state.name[0] != '\0') {
        announce(socket, "gone");
        roster_leave(prongd_service(socket), user->state.seat, prongd_connection_id(socket));
        user->state.name[0] = '\0';
    }
    prong_framing_clear(&user->framing);
}

/* --- Moving to a new worker --- */

/* Who it is, then the beginning of a line that has not come as a whole. */
static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    const struct user *user = prongd_state(socket);
    size_t head = sizeof(user->state), kept = prong_framing_save(&user->framing, NULL, 0);

    if (size >= head + kept) {
        memcpy(bytes, &user->state, head);
        prong_framing_save(&user->framing, (char *)bytes + head, kept);
    }
    return (long)(head + kept);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    struct user *user = prongd_state(socket);
    size_t head = sizeof(user->state);
    int error;

    if (version != 2 || size < head)
        return -EPROTO;
    error = prong_framing_init(&user->framing, &lines);
    if (error < 0)
        return error;
    memcpy(&user->state, bytes, head);
    return prong_framing_restore(&user->framing, (const char *)bytes + head, size - head);
}

static void on_leave(void *state)
{
    struct user *user = state;

    prong_framing_clear(&user->framing);
}

/* --- The life of a worker --- */

static bool refresh(struct prong_socket *socket, void *service)
{
    const struct user_state *user = user_of(socket);

    if (user->name[0] != '\0')
        roster_refresh(service, user->seat, prongd_connection_id(socket));
    return true;
}

static void on_refresh(struct prong_timer *timer, void *service)
{
    (void)timer;
    prongd_each_connection(service, refresh, service);
}

static int start(struct prongd_service *service)
{
    struct prong_timer *timer = prong_timer_new(prongd_loop(service), on_refresh, service);
    size_t size;

    if (timer == NULL || prongd_shared(service, &size) == NULL || size < ROSTER_SIZE) {
        prong_timer_free(timer);
        return -ENOMEM;
    }
    prong_timer_start(timer, ROSTER_REFRESH_S * 1000, ROSTER_REFRESH_S * 1000);
    prongd_service_set_user(service, timer);
    return 0;
}

static void stop(struct prongd_service *service)
{
    prong_timer_free(prongd_service_user(service));
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "chat",
    .version = CHAT_VERSION,
    .help = "People with nicknames in rooms, who hear what the others say.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct user),
    .events = {.on_data = on_data, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = 2,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .start = start,
    .stop = stop,
    .counters = counters,
    .counter_count = sizeof(counters) / sizeof(counters[0]),
    .on_message = on_message,
    .on_lost = on_lost,
    .shared_size = ROSTER_SIZE,
};
