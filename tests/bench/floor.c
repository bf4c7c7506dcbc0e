/* SPDX-License-Identifier: MIT
 *
 * The floor: the least that a prefork echo server can do.  Its cost is what the real server's
 * cost is divided by.
 *
 *     bench-floor WORKERS ADDRESS…        prints {"ADDRESS": PORT, …} once it listens
 *
 * The master binds and forks; the workers share the handles, each with one level-triggered epoll
 * set, one read for each readiness and the answer written at once.  A connection is its descriptor
 * and nothing else: no object, no timeout, no limit, no log.  What it does, it does correctly:
 * nothing is lost when a peer reads slowly, and a failing connection harms no other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_LISTENERS 4
#define MAX_FDS       65536
#define MAX_EVENTS    64
#define ACCEPT_BATCH  16
#define BACKLOG       511
#define READ_SIZE     65536

/* What the kernel did not take at once. */
struct rest {
    size_t size, sent;
    char bytes[];
};

static int listeners[MAX_LISTENERS];
static int ports[MAX_LISTENERS];
static int listener_count;

static int epoll_fd;
static struct rest *rests[MAX_FDS]; /* by descriptor; NULL: nothing waits, and reading goes on */
static char buffer[READ_SIZE];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
        die("epoll_ctl");
}

static void hang_up(int fd)
{
    free(rests[fd]);
    rests[fd] = NULL;
    close(fd);
}

static void accept_some(int listener)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        if (fd < MAX_FDS)
            watch(EPOLL_CTL_ADD, fd, EPOLLIN);
        else
            close(fd);
    }
}

static void keep_rest(int fd, const char *bytes, size_t size)
{
    struct rest *rest = malloc(sizeof(*rest) + size);

    if (rest == NULL)
        die("malloc");
    rest->size = size;
    rest->sent = 0;
    memcpy(rest->bytes, bytes, size);
    rests[fd] = rest;
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

static bool failed_for_good(ssize_t result)
{
    return result < 0 && errno != EAGAIN && errno != EINTR;
}

static void send_rest(int fd)
{
    struct rest *rest = rests[fd];
    ssize_t sent = write(fd, rest->bytes + rest->sent, rest->size - rest->sent);

    if (failed_for_good(sent)) {
        hang_up(fd);
        return;
    }
    rest->sent += sent > 0 ? (size_t)sent : 0;
    if (rest->sent < rest->size)
        return;
    free(rest);
    rests[fd] = NULL;
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

static void echo(int fd)
{
    ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
    ssize_t sent;

    if (size == 0 || failed_for_good(size)) {
        hang_up(fd);
        return;
    }
    if (size < 0)
        return;
    sent = write(fd, buffer, (size_t)size);
    if (failed_for_good(sent)) {
        hang_up(fd);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    if (sent < size)
        keep_rest(fd, buffer + sent, (size_t)(size - sent));
}

static bool is_listener(int fd)
{
    for (int i = 0; i < listener_count; i++)
        if (listeners[i] == fd)
            return true;
    return false;
}

static void dispatch(int fd)
{
    if (is_listener(fd))
        accept_some(fd);
    else if (rests[fd] != NULL)
        send_rest(fd);
    else
        echo(fd);
}

static void work(void)
{
    struct epoll_event events[MAX_EVENTS];

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1");
    for (int i = 0; i < listener_count; i++)
        watch(EPOLL_CTL_ADD, listeners[i], EPOLLIN);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);

        for (int i = 0; i < count; i++)
            dispatch(events[i].data.fd);
    }
}

static void listen_on(const char *host)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    bool is_ipv6 = inet_pton(AF_INET6, host, &ipv6.sin6_addr) == 1;
    struct sockaddr *address = is_ipv6 ? (struct sockaddr *)&ipv6 : (struct sockaddr *)&ipv4;
    socklen_t size = is_ipv6 ? sizeof(ipv6) : sizeof(ipv4);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (!is_ipv6 && inet_pton(AF_INET, host, &ipv4.sin_addr) != 1) {
        fprintf(stderr, "%s: not an IP address\n", host);
        exit(2);
    }
    if (fd < 0 || bind(fd, address, size) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, address, &size) < 0)
        die(host);
    ports[listener_count] = ntohs(is_ipv6 ? ipv6.sin6_port : ipv4.sin_port);
    listeners[listener_count++] = fd;
}

/* A worker never outlives its master. */
static void fork_worker(void)
{
    pid_t master = getpid();
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == master)
        work();
    _exit(1);
}

int main(int argc, char **argv)
{
    long workers = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

    if (workers < 1 || argc < 3 || argc > 2 + MAX_LISTENERS) {
        fprintf(stderr, "usage: %s WORKERS ADDRESS…\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (int i = 2; i < argc; i++)
        listen_on(argv[i]);
    for (long i = 0; i < workers; i++)
        fork_worker();
    for (int i = 0; i < listener_count; i++)
        printf("%s\"%s\": %d", i == 0 ? "{" : ", ", argv[i + 2], ports[i]);
    printf("}\n");
    if (fflush(stdout) != 0)
        die("stdout");
    wait(NULL);
    fprintf(stderr, "a worker has ended\n");
    return 1;
}
