/* SPDX-License-Identifier: MIT
 *
 * What a worker sends to a keeper: a job that makes sense, or nothing; and an environment of it.
 *
 * The first byte says which type the frame has, and whether a connection comes along.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "environment.h"
#include "ipc.h"
#include "job.h"
#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(const struct job *job)
{
    static char *const configured[] = {(char *)(uintptr_t) "PATH=/bin", NULL};
    struct environment *environment = environment_new(configured);
    char **list;

    if (environment == NULL)
        return;
    list = environment_of(environment, job);
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strchr(list[i], '=') == NULL)
            abort();
    }
    environment_free(environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct ipc_frame frame = {0};
    struct job job;
    void *copy;
    int fds[2];

    if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return 0;
    copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes + 1, size - 1);
    frame.type = (bytes[0] & 1) != 0 ? MESSAGE_STOP : MESSAGE_RUN;
    frame.payload = copy;
    frame.size = size - 1;
    frame.fds = fds;
    frame.fd_count = (bytes[0] & 2) != 0 ? 0 : 1;
    if (job_read(&job, &frame) == 0) {
        use(&job);
        close(job.fd);
    } else if (frame.fd_count == 0) {
        close(fds[0]);
    }
    close(fds[1]);
    free(copy);
    return 0;
}
