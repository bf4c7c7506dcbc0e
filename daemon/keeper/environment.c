/* SPDX-License-Identifier: MIT
 *
 * Variables, one behind the other in one piece of memory.
 */
#include "environment.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "job.h"

/* PROTO and twelve more, and all that they hold. */
#define MOST_VARIABLES 16
#define TEXT_SIZE      1024

struct environment {
    char **list; /* ours first */
    char *const *configured;
    size_t count; /* of ours */
    char text[TEXT_SIZE];
    size_t used;
};

static void set(struct environment *environment, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set(struct environment *environment, const char *format, ...)
{
    char *at = environment->text + environment->used;
    size_t room = sizeof(environment->text) - environment->used;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room || environment->count == MOST_VARIABLES)
        return;
    environment->list[environment->count++] = at;
    environment->used += (size_t)length + 1;
}

/* --- TCP --- */

static bool is_v4(const struct prong_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return address->family == AF_INET || memcmp(address->ip, mapped, sizeof(mapped)) == 0;
}

/* Without brackets, port and scope. */
static const char *format_ip(const struct prong_address *address, char *text, size_t size)
{
    const uint8_t *ip = address->ip;

    if (address->family != AF_INET && is_v4(address))
        ip += 12;
    return inet_ntop(is_v4(address) ? AF_INET : AF_INET6, ip, text, (socklen_t)size);
}

/* `side` is LOCAL or REMOTE. */
static void set_side(struct environment *environment, const char *side,
                     const struct prong_address *address)
{
    char ip[INET6_ADDRSTRLEN];

    if (format_ip(address, ip, sizeof(ip)) == NULL)
        return;
    set(environment, "TCP%sIP=%s", side, ip);
    set(environment, "TCP6%sIP=%s%s", side, is_v4(address) ? "::ffff:" : "", ip);
    set(environment, "TCP%sPORT=%u", side, address->port);
    set(environment, "TCP6%sPORT=%u", side, address->port);
}

static void set_tcp(struct environment *environment, const struct job *job)
{
    char name[IF_NAMESIZE];

    set(environment, "PROTO=%s", is_v4(&job->remote) ? "TCP" : "TCP6");
    set_side(environment, "LOCAL", &job->local);
    set_side(environment, "REMOTE", &job->remote);
    if (job->remote.scope != 0 && if_indextoname(job->remote.scope, name) != NULL)
        set(environment, "TCP6INTERFACE=%s", name);
}

/* --- Unix sockets --- */

/* What a library's socket does not keep.  An abstract name begins with a NUL: it is written with @,
 * as everywhere else in prongd. */
static void set_path(struct environment *environment, int fd)
{
    struct sockaddr_un local = {0};
    socklen_t size = sizeof(local);
    size_t head = offsetof(struct sockaddr_un, sun_path);
    const char *path = local.sun_path;
    bool is_abstract;

    if (getsockname(fd, (struct sockaddr *)&local, &size) < 0 || size <= head)
        return;
    is_abstract = path[0] == '\0';
    set(environment, "UNIXLOCALPATH=%s%.*s", is_abstract ? "@" : "",
        (int)(size - head) - is_abstract, path + is_abstract);
}

static void set_unix(struct environment *environment, const struct job *job)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    set(environment, "PROTO=UNIX");
    set_path(environment, job->fd);
    set(environment, "UNIXLOCALUID=%u", getuid());
    set(environment, "UNIXLOCALGID=%u", getgid());
    set(environment, "UNIXLOCALPID=%d", (int)getpid());
    if (getsockopt(job->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return;
    set(environment, "UNIXREMOTEEUID=%u", peer.uid);
    set(environment, "UNIXREMOTEEGID=%u", peer.gid);
    set(environment, "UNIXREMOTEPID=%d", (int)peer.pid);
}

/* --- All of it --- */

/* Is a variable of this name set already?  A program may take the first of two, or the last. */
static bool is_set(const struct environment *environment, const char *variable)
{
    size_t size = strcspn(variable, "=") + 1;

    for (size_t i = 0; i < environment->count; i++) {
        if (strncmp(environment->list[i], variable, size) == 0)
            return true;
    }
    return false;
}

char **environment_of(struct environment *environment, const struct job *job)
{
    size_t count;

    environment->used = 0;
    environment->count = 0;
    if (job->local.family == AF_UNIX)
        set_unix(environment, job);
    else
        set_tcp(environment, job);
    count = environment->count;
    for (size_t i = 0; environment->configured[i] != NULL; i++) {
        if (!is_set(environment, environment->configured[i]))
            environment->list[count++] = environment->configured[i];
    }
    environment->list[count] = NULL;
    return environment->list;
}

struct environment *environment_new(char *const *configured)
{
    struct environment *environment = calloc(1, sizeof(*environment));
    size_t count = 0;

    while (configured[count] != NULL)
        count++;
    if (environment == NULL)
        return NULL;
    environment->configured = configured;
    environment->list = calloc(count + MOST_VARIABLES + 1, sizeof(char *));
    if (environment->list != NULL)
        return environment;
    free(environment);
    return NULL;
}

void environment_free(struct environment *environment)
{
    if (environment == NULL)
        return;
    free(environment->list);
    free(environment);
}
