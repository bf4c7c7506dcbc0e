/* SPDX-License-Identifier: MIT
 *
 * The transport of requests and answers.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "command.h"

/* As many descriptors as one message carries. */
#define SCM_MAX_FDS 253

/* What lines are collected in. */
struct line {
    char *bytes;
    size_t length; /* of all that is there */
    size_t end;    /* of the first line, when it is complete */
    size_t capacity;
};

/* --- connecting --------------------------------------------------------------------------- */

struct hint_row {
    int error;
    const char *hint;
};

static const struct hint_row hints[] = {
    {ENOENT, "Is prongd running, and is this its control_socket?  -c FILE reads it from another "
             "configuration, -s SOCKET names it."},
    {ECONNREFUSED, "Nobody listens there: has the prongd that made it ended?"},
    {EACCES, "Only root and the user who started prongd may command it."},
    {EPERM, "Only root and the user who started prongd may command it."},
    {EAGAIN, "prongd does not accept the connection in time: it is stopped or very busy."},
    {ENAMETOOLONG, "The path of a unix socket has at most 107 bytes."},
};

static void explain_connect(const char *path, int error, char *problem, size_t size)
{
    const char *hint = "";

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (hints[i].error == error)
            hint = hints[i].hint;
    (void)snprintf(problem, size, "cannot connect to prongd at %s: %s.  %s", path, strerror(error),
                   hint);
}

/* "@name" is the name in the abstract namespace, which begins with a NUL.  0: it is too long. */
static socklen_t make_address(struct sockaddr_un *address, const char *path)
{
    size_t length = strlen(path);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length >= sizeof(address->sun_path))
        return 0;
    memcpy(address->sun_path, path, length);
    if (path[0] != '@')
        return (socklen_t)sizeof(*address);
    address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* The descriptor or -errno.  The time limit is for a listener whose queue is full. */
static int connect_to(const char *path)
{
    const struct timeval patience = {.tv_sec = 5};
    struct sockaddr_un address;
    socklen_t length = make_address(&address, path);
    int error;
    int fd;

    if (length == 0)
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&address, length) == 0)
        return fd;
    error = -errno;
    (void)close(fd);
    return error;
}

/* --- lines -------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0 when there is something to do, -ETIMEDOUT, or -errno. */
static int wait_until(int fd, short events, int64_t deadline_ms)
{
    struct pollfd entry = {.fd = fd, .events = events};
    int64_t left = deadline_ms - now_ms();
    int result;

    if (left <= 0)
        return -ETIMEDOUT;
    result = poll(&entry, 1, (int)left);
    if (result < 0 && errno != EINTR)
        return -errno;
    return 0;
}

static bool is_temporary(int error)
{
    return error == EAGAIN || error == EINTR;
}

static int send_all(int fd, const char *bytes, size_t size, int64_t deadline_ms)
{
    ssize_t sent;
    int error;

    while (size > 0) {
        error = wait_until(fd, POLLOUT, deadline_ms);
        if (error < 0)
            return error;
        sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && !is_temporary(errno))
            return -errno;
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

static int make_room(struct line *line)
{
    size_t capacity = line->capacity == 0 ? 16384 : 2 * line->capacity;
    char *bytes;

    if (line->length < line->capacity)
        return 0;
    if (capacity > CLIENT_ANSWER_SIZE)
        return -EMSGSIZE;
    bytes = realloc(line->bytes, capacity);
    if (bytes == NULL)
        return -ENOMEM;
    line->bytes = bytes;
    line->capacity = capacity;
    return 0;
}

/* Is the first line complete?  `from`: where bytes begin that nobody has looked at. */
static bool find_end(struct line *line, size_t from)
{
    const char *end = NULL;

    if (line->length > from)
        end = memchr(line->bytes + from, '\n', line->length - from);
    if (end != NULL)
        line->end = (size_t)(end - line->bytes);
    return end != NULL;
}

/* Closes them when there is no room to keep them. */
static int keep_fds(struct client_fds *fds, const int *more, size_t count)
{
    int *list = fds != NULL ? realloc(fds->list, (fds->count + count) * sizeof(int)) : NULL;

    if (list == NULL) {
        for (size_t i = 0; i < count; i++)
            (void)close(more[i]);
        return fds != NULL ? -ENOMEM : 0;
    }
    fds->list = list;
    memcpy(list + fds->count, more, count * sizeof(int));
    fds->count += count;
    return 0;
}

static int take_fds(struct msghdr *message, struct client_fds *fds)
{
    int more[SCM_MAX_FDS];
    int error = 0;

    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
         head = CMSG_NXTHDR(message, head)) {
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(more, CMSG_DATA(head), count * sizeof(int));
        error = error < 0 ? error : keep_fds(fds, more, count);
    }
    return error < 0 || (message->msg_flags & MSG_CTRUNC) == 0 ? error : -EMFILE;
}

/* Appends what is there.  1 when the line is complete, 0, or -errno; -EPIPE at the end. */
static int receive_some(int fd, struct line *line, struct client_fds *fds)
{
    size_t before = line->length;
    alignas(struct cmsghdr) char room[CMSG_SPACE(SCM_MAX_FDS * sizeof(int))];
    struct iovec piece = {.iov_base = line->bytes + before, .iov_len = line->capacity - before};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int error = size >= 0 ? take_fds(&message, fds) : 0;

    if (error < 0)
        return error;
    if (size < 0)
        return is_temporary(errno) ? 0 : -errno;
    if (size == 0)
        return -EPIPE;
    line->length += (size_t)size;
    return find_end(line, before) ? 1 : 0;
}

static int receive_line(int fd, struct line *line, struct client_fds *fds, int64_t deadline_ms)
{
    int result = find_end(line, 0) ? 1 : 0;

    while (result == 0) {
        result = make_room(line);
        if (result == 0)
            result = wait_until(fd, POLLIN, deadline_ms);
        if (result == 0)
            result = receive_some(fd, line, fds);
    }
    return result < 0 ? result : 0;
}

static void drop_line(struct line *line)
{
    if (line->bytes == NULL)
        return;
    line->length -= line->end + 1;
    memmove(line->bytes, line->bytes + line->end + 1, line->length);
}

/* --- asking ------------------------------------------------------------------------------- */

/* The request with its newline, malloc'ed, or NULL: out of memory. */
static char *make_request(const struct client_request *request)
{
    json_t *root = json_pack("{s:s, s:O}", "command", request->row->name, "arguments",
                             (json_t *)(uintptr_t)request->arguments);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    char *line = NULL;

    if (text != NULL && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    json_decref(root);
    return line;
}

static json_t *parse_answer(const struct line *line, char *problem, size_t size)
{
    json_error_t error;
    json_t *answer = json_loadb(line->bytes, line->end, JSON_REJECT_DUPLICATES, &error);

    if (json_is_object(answer))
        return answer;
    (void)snprintf(problem, size, "the answer is not understood: %s.  Is this prongd's socket?",
                   answer == NULL ? error.text : "it is no JSON object");
    json_decref(answer);
    return NULL;
}

static void explain_talk(const char *path, int error, char *problem, size_t size)
{
    switch (error) {
    case -ETIMEDOUT:
        (void)snprintf(problem, size, "prongd at %s did not answer within %d seconds", path,
                       CLIENT_PATIENCE_MS / 1000);
        return;
    case -EPIPE:
    case -ECONNRESET:
        (void)snprintf(problem, size, "prongd at %s closed the connection without an answer", path);
        return;
    case -EMSGSIZE:
        (void)snprintf(problem, size, "the answer of %s is longer than %lu MiB", path,
                       CLIENT_ANSWER_SIZE / 1024 / 1024);
        return;
    default:
        (void)snprintf(problem, size, "talking to prongd at %s failed: %s", path, strerror(-error));
    }
}

/* The next line, as an object; NULL with a sentence in `problem`. */
static json_t *receive_object(int fd, const struct client_request *request, struct line *line,
                              char *problem, size_t size)
{
    int error = receive_line(fd, line, request->fds, now_ms() + CLIENT_PATIENCE_MS);

    if (error < 0) {
        explain_talk(request->path, error, problem, size);
        return NULL;
    }
    return parse_answer(line, problem, size);
}

/* What comes before the answer shows how far it is: patience begins anew. */
static json_t *receive_answer(int fd, const struct client_request *request, char *problem,
                              size_t size)
{
    struct line line = {0};
    json_t *answer = receive_object(fd, request, &line, problem, size);
    const json_t *progress;

    while ((progress = json_object_get(answer, "progress")) != NULL) {
        request->on_progress(progress);
        json_decref(answer);
        drop_line(&line);
        answer = receive_object(fd, request, &line, problem, size);
    }
    free(line.bytes);
    return answer;
}

/* The answer may be there although the master did not take the whole request. */
static json_t *ask(int fd, const struct client_request *request, char *problem, size_t size)
{
    char *text = make_request(request);
    int error;

    if (text == NULL) {
        (void)snprintf(problem, size, "out of memory");
        return NULL;
    }
    error = send_all(fd, text, strlen(text), now_ms() + CLIENT_PATIENCE_MS);
    free(text);
    if (error < 0 && error != -EPIPE) {
        explain_talk(request->path, error, problem, size);
        return NULL;
    }
    return receive_answer(fd, request, problem, size);
}

json_t *client_ask(const struct client_request *request, char *problem, size_t size)
{
    json_t *answer;
    int fd = connect_to(request->path);

    if (fd < 0) {
        explain_connect(request->path, -fd, problem, size);
        return NULL;
    }
    answer = ask(fd, request, problem, size);
    (void)close(fd);
    return answer;
}
