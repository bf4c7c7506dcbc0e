/* SPDX-License-Identifier: MIT
 *
 * A module that goes wrong: in the callback WHERE it does HOW, both numbers of the tests' choice.
 */
#include <prongd/handler.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HERE_LOAD,
    HERE_CONFIGURE,
    HERE_START,
    HERE_STOP,
    HERE_CONNECTION,
    HERE_DATA,
    HERE_END,
    HERE_TIMEOUT,
    HERE_CLOSE,
    HERE_SAVE,
    HERE_RESTORE,
    HERE_LEAVE,
    HERE_CAN_MOVE,
    HERE_BROADCAST,
    HERE_MESSAGE,
    HERE_LOST
};
enum { CRASH, ABORT, EXIT, LOOP, MEMORY };

/* A null pointer, as the kernel sees it: without a sanitizer's report. */
static void crash(void)
{
    signal(SIGSEGV, SIG_DFL);
    *(volatile int *)(volatile void *)NULL = 1;
}

/* More than there is: nobody gets it, and who does not look crashes. */
static void take_memory(void)
{
    void *bytes =
        mmap(NULL, (size_t)1 << 46, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (bytes == MAP_FAILED)
        crash();
    memset(bytes, 1, (size_t)1 << 20);
}

static void pass(int here)
{
    if (here != WHERE)
        return;
    switch (HOW) {
    case CRASH:
        crash();
        break;
    case ABORT:
        abort();
    case EXIT:
        exit(0);
    case LOOP:
        for (volatile unsigned turn = 0;; turn = turn + 1)
            ;
    case MEMORY:
        take_memory();
    }
}

__attribute__((constructor)) static void load(void)
{
    pass(HERE_LOAD);
}

static int configure(void *config, const char *server, char *problem, size_t size)
{
    (void)config;
    (void)server;
    (void)problem;
    (void)size;
    pass(HERE_CONFIGURE);
    return 0;
}

static int start(struct prongd_service *service)
{
    (void)service;
    pass(HERE_START);
    return 0;
}

static void stop(struct prongd_service *service)
{
    (void)service;
    pass(HERE_STOP);
}

static void on_connection(struct prong_socket *socket)
{
    pass(HERE_CONNECTION);
    prong_socket_write(socket, "hello\n", 6);
}

/* This worker did. */
static bool has_spoken;

/* More than any ring of these tests holds, in one turn of the loop: nobody hears the first. */
static void flood(struct prongd_service *service)
{
    static const char bytes[16384];

    for (unsigned i = 0; i < 256; i++)
        prongd_publish(service, bytes, sizeof(bytes));
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    pid_t pid = getpid();

    pass(HERE_DATA);
    prong_socket_write(socket, bytes, size);
    if (WHERE == HERE_LOST)
        flood(prongd_service(socket));
    prongd_publish(prongd_service(socket), &pid, sizeof(pid));
    has_spoken = true;
}

/* All workers hear it; in the one that said it something goes wrong. */
static void pass_own(int here, const void *bytes)
{
    if (*(const pid_t *)bytes == getpid())
        pass(here);
}

static void on_broadcast(struct prongd_service *service, const void *bytes, size_t size)
{
    (void)service;
    (void)size;
    pass_own(HERE_BROADCAST, bytes);
}

static void on_message(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)socket;
    (void)size;
    pass_own(HERE_MESSAGE, bytes);
}

static void on_lost(struct prongd_service *service, struct prong_socket *socket, uint64_t count)
{
    (void)service;
    (void)socket;
    (void)count;
    if (has_spoken) /* all workers lose some; in the one that said too much something goes wrong */
        pass(HERE_LOST);
}

static void on_end(struct prong_socket *socket)
{
    (void)socket;
    pass(HERE_END);
}

static void on_timeout(struct prong_socket *socket)
{
    pass(HERE_TIMEOUT);
    prong_socket_destroy(socket, 0);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)socket;
    (void)had_error;
    pass(HERE_CLOSE);
}

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    (void)socket;
    (void)bytes;
    (void)size;
    pass(HERE_SAVE);
    return 0;
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    (void)socket;
    (void)bytes;
    (void)size;
    (void)version;
    pass(HERE_RESTORE);
    return 0;
}

static void on_leave(void *state)
{
    (void)state;
    pass(HERE_LEAVE);
}

static bool can_move(struct prong_socket *socket)
{
    (void)socket;
    pass(HERE_CAN_MOVE);
    return true;
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "trouble",
    .help = "Goes wrong.",
    .state_size = 8,
    .events = {.on_data = on_data,
               .on_end = on_end,
               .on_timeout = on_timeout,
               .on_close = on_close},
    .on_connection = on_connection,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .can_move = can_move,
    .configure = configure,
    .start = start,
    .stop = stop,
    .on_broadcast = on_broadcast,
    .on_message = on_message,
    .on_lost = on_lost,
};
