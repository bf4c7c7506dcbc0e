/* SPDX-License-Identifier: MIT
 *
 * Joining, choosing, leaving.
 */
#include "reuseport.h"

#include <errno.h>
#include <linux/filter.h>
#include <prong/server.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel takes programs of BPF_MAXINSNS (4096) instructions. */
#define MOST_CHOSEN ((BPF_MAXINSNS - 4) / 2)

/* The longest pause between two packets (TCP_RTO_MAX). */
#define LONGEST_PAUSE_S 120
#define USUAL_RETRIES   5

static int attach(int fd, int option, struct sock_filter *code, unsigned length)
{
    struct sock_fprog program = {.len = (unsigned short)length, .filter = code};

    return setsockopt(fd, SOL_SOCKET, option, &program, sizeof(program)) < 0 ? -errno : 0;
}

/* --- Joining --- */

/* Drops every packet: between listen(2) and the program that chooses, a client would be led here.
 * It tries again then, and nobody is lost. */
static int close_door(int fd)
{
    struct sock_filter nobody[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

    return attach(fd, SO_ATTACH_FILTER, nobody, 1);
}

static int open_door(int fd)
{
    int unused = 0;

    return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) < 0 ? -errno : 0;
}

static int join(int fd, int first, bool is_alone, int backlog)
{
    static const unsigned the_first = 0;
    int error = close_door(fd);

    if (error == 0 && listen(fd, backlog) < 0)
        error = -errno;
    if (error == 0 && is_alone)
        error = reuseport_choose(first, &the_first, 1);
    return error < 0 ? error : open_door(fd);
}

int reuseport_join(int first, bool is_alone, const struct prong_listen_options *options)
{
    struct prong_listen_options shared = *options;
    struct prong_address address;
    int fd, error, on = 1;

    shared.reuse_port = true;
    if (setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
        return -errno;
    error = prong_address_from_fd(&address, first);
    if (error < 0)
        return error;
    fd = prong_bound_open(&address, &shared);
    if (fd < 0)
        return fd;
    error = join(fd, first, is_alone, options->backlog);
    if (error < 0) {
        reuseport_leave(fd);
        close(fd);
        return error;
    }
    return fd;
}

void reuseport_leave(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

/* --- Choosing --- */

/* A number at random below `count`, and then the handle that stands there. */
static unsigned write_program(struct sock_filter *code, const unsigned *chosen, unsigned count)
{
    unsigned length = 0;

    code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                  (unsigned)SKF_AD_OFF + SKF_AD_RANDOM);
    code[length++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count);
    for (unsigned i = 0; i < count; i++) {
        if (chosen[i] == i)
            continue; /* the number itself */
        code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1);
        code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, chosen[i]);
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    return length;
}

int reuseport_choose(int fd, const unsigned *chosen, unsigned count)
{
    struct sock_filter *code;
    int error;

    if (count == 0 || count > MOST_CHOSEN)
        return -EINVAL;
    code = calloc(2 * (size_t)count + 3, sizeof(*code));
    if (code == NULL)
        return -ENOMEM;
    error = attach(fd, SO_ATTACH_REUSEPORT_CBPF, code, write_program(code, chosen, count));
    free(code);
    return error;
}

/* --- Leaving --- */

static unsigned long retries(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_synack_retries", "re");
    char line[32];
    unsigned long count = USUAL_RETRIES;

    if (file == NULL)
        return count;
    if (fgets(line, sizeof(line), file) != NULL)
        count = strtoul(line, NULL, 10);
    fclose(file);
    return count;
}

/* The pauses begin with a second and double. */
double reuseport_handshake_s(void)
{
    double pause_s = 1, sum_s = 1;

    for (unsigned long left = retries(); left > 0; left--) {
        pause_s = pause_s * 2 < LONGEST_PAUSE_S ? pause_s * 2 : LONGEST_PAUSE_S;
        sum_s += pause_s;
    }
    return sum_s + 1;
}
