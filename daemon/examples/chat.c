/* SPDX-License-Identifier: MIT
 *
 * chat: people with nicknames, who hear what the others say; a line each.
 *
 *     [prongd]
 *     workers = 1
 *
 *     [server chat]
 *     listen  = *:7000
 *     handler = chat
 *
 * The first line of a client is its nickname.  After that, "/who" lists who is there, "/version"
 * tells which code answers, and anything else is said to all.  A reload that loads new code
 * disconnects nobody, and everybody keeps the nickname: save and restore below.  People hear those
 * in their own worker, so one worker it is.
 */
#include <ctype.h>
#include <errno.h>
#include <prong/framing.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <string.h>

#ifndef CHAT_VERSION
#define CHAT_VERSION "1.0"
#endif

#define NAME_SIZE 24
#define LINE_SIZE 1024

struct config {
    char *welcome;
};

static const struct prongd_option options[] = {
    {PRONGD_TEXT(struct config, welcome), .name = "welcome", .fallback = "What is your name?",
     .help = "The line that everybody reads first."},
};

static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, LINE_SIZE};

struct user {
    struct prong_framing framing;
    char name[NAME_SIZE]; /* "": not told yet */
};

/* --- Saying something --- */

/* Who does not read what others say is not worth any amount of memory. */
static void say(struct prong_socket *socket, const char *text)
{
    if (prong_framing_write(socket, &lines, text, strlen(text)) != 0)
        prong_socket_destroy(socket, 0);
}

struct news {
    const struct prong_socket *from; /* does not hear it */
    const char *text;
};

static bool tell(struct prong_socket *socket, void *argument)
{
    const struct news *news = argument;
    const struct user *user = prongd_state(socket);

    if (socket != news->from && user->name[0] != '\0')
        say(socket, news->text);
    return true;
}

static void tell_others(struct prong_socket *socket, const char *text)
{
    struct news news = {socket, text};

    prongd_each_connection(prongd_service(socket), tell, &news);
}

/* --- Names --- */

static bool is_name(const struct prong_bytes *line)
{
    const unsigned char *letters = line->bytes;

    if (line->size == 0 || line->size >= NAME_SIZE)
        return false;
    for (size_t i = 0; i < line->size; i++) {
        if (!isalnum(letters[i]))
            return false;
    }
    return true;
}

static bool is_other(struct prong_socket *socket, void *argument)
{
    const struct user *user = prongd_state(socket);
    const char **name = argument;

    if (strcmp(user->name, *name) != 0)
        return true;
    *name = NULL;
    return false;
}

static void enter(struct prong_socket *socket, const struct prong_bytes *line)
{
    struct user *user = prongd_state(socket);
    char name[NAME_SIZE] = "", text[2 * NAME_SIZE];
    const char *found = name;

    if (!is_name(line)) {
        say(socket, "A name has 1 to 23 letters or digits.");
        return;
    }
    memcpy(name, line->bytes, line->size);
    prongd_each_connection(prongd_service(socket), is_other, &found);
    if (found == NULL) {
        say(socket, "Somebody has that name already.");
        return;
    }
    memcpy(user->name, name, sizeof(name));
    snprintf(text, sizeof(text), "* %s is here", name);
    tell_others(socket, text);
    say(socket, text);
}

/* --- Lines --- */

static bool add_name(struct prong_socket *socket, void *argument)
{
    const struct user *user = prongd_state(socket);
    char *text = argument;
    size_t length = strlen(text);

    if (user->name[0] != '\0' && length + NAME_SIZE + 1 < LINE_SIZE)
        snprintf(text + length, LINE_SIZE - length, " %s", user->name);
    return true;
}

static void list_names(struct prong_socket *socket)
{
    char text[LINE_SIZE] = "* here:";

    prongd_each_connection(prongd_service(socket), add_name, text);
    say(socket, text);
}

static bool is_command(const struct prong_bytes *line, const char *command)
{
    return line->size == strlen(command) && memcmp(line->bytes, command, line->size) == 0;
}

static void hear(struct prong_socket *socket, const struct prong_bytes *line)
{
    const struct user *user = prongd_state(socket);
    char text[LINE_SIZE];

    if (user->name[0] == '\0') {
        enter(socket, line);
    } else if (is_command(line, "/who")) {
        list_names(socket);
    } else if (is_command(line, "/version")) {
        say(socket, "* chat " CHAT_VERSION);
    } else {
        snprintf(text, sizeof(text), "%s: %.*s", user->name, (int)line->size,
                 (const char *)line->bytes);
        tell_others(socket, text);
    }
}

/* --- The life of a connection --- */

static void on_connection(struct prong_socket *socket)
{
    const struct config *config = prongd_config(socket);
    struct user *user = prongd_state(socket);

    if (prong_framing_init(&user->framing, &lines) < 0)
        prong_socket_destroy(socket, 0);
    else if (config->welcome != NULL)
        say(socket, config->welcome);
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
    char text[2 * NAME_SIZE];

    (void)had_error;
    if (user->name[0] != '\0') {
        snprintf(text, sizeof(text), "* %s is gone", user->name);
        user->name[0] = '\0';
        tell_others(socket, text);
    }
    prong_framing_clear(&user->framing);
}

/* --- Moving to a new worker --- */

/* The name, then the beginning of a line that has not come as a whole. */
static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    const struct user *user = prongd_state(socket);
    size_t kept = prong_framing_save(&user->framing, NULL, 0);

    if (size >= NAME_SIZE + kept) {
        memcpy(bytes, user->name, NAME_SIZE);
        prong_framing_save(&user->framing, (char *)bytes + NAME_SIZE, kept);
    }
    return (long)(NAME_SIZE + kept);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    struct user *user = prongd_state(socket);
    int error;

    if (version != 1 || size < NAME_SIZE)
        return -EPROTO;
    error = prong_framing_init(&user->framing, &lines);
    if (error < 0)
        return error;
    memcpy(user->name, bytes, NAME_SIZE);
    user->name[NAME_SIZE - 1] = '\0';
    return prong_framing_restore(&user->framing, (const char *)bytes + NAME_SIZE, size - NAME_SIZE);
}

static void on_leave(void *state)
{
    struct user *user = state;

    prong_framing_clear(&user->framing);
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "chat",
    .version = CHAT_VERSION,
    .help = "People with nicknames, who hear what the others say.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct user),
    .events = {.on_data = on_data, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = 1,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
};
