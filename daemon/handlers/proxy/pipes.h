/* SPDX-License-Identifier: MIT
 *
 * Kernel pipes, lent to the flows that move much: what is spliced into one never comes to the
 * program.
 *
 * Only a pipe of 1 MiB is worth it, and a user without privileges gets 64 of these for all his
 * processes together (fs.pipe-user-pages-soft in proc(5)).  So few are made, only while bytes flow,
 * and one that is not used any more is called back.
 */
#ifndef PRONGD_PIPES_H
#define PRONGD_PIPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pipes;
struct prong_loop;
struct prong_socket;

struct pipe {
    struct pipe *next, *previous; /* of those that are lent, or of the spare ones */
    struct pipes *pool;
    struct prong_socket *client; /* of the connection that has it */
    int read_fd, write_fd;
    uint32_t size;
    uint32_t filled; /* bytes in it: the kernel does not tell a full pipe from an empty source */
    bool is_used;    /* since the pool last looked */
};

/* It was not used for a while and is empty: pipe_give_back() it. */
typedef void pipes_recall(struct pipe *pipe);

/* NULL with errno. */
struct pipes *pipes_new(struct prong_loop *loop, pipes_recall *recall);

/* Accepts NULL.  None may be lent any more. */
void pipes_free(struct pipes *pool);

/* An empty pipe for this connection.  NULL: there is none now, do without. */
struct pipe *pipes_lend(struct pipes *pool, struct prong_socket *client);

/* A pipe that came from another worker with so many bytes in it; its size may be any.  Takes the
 * descriptors on success.  NULL with errno. */
struct pipe *pipes_adopt(struct pipes *pool, struct prong_socket *client, int read_fd, int write_fd,
                         uint32_t filled);

/* Bytes in all that are lent. */
uint64_t pipes_filled(const struct pipes *pool);

/* Whatever is in it is lost, with a pipe that is not empty. */
void pipe_give_back(struct pipe *pipe);

/* Its descriptors are another's. */
void pipe_forget(struct pipe *pipe);

bool pipe_is_full(const struct pipe *pipe);

/* As prong_socket_splice_in() and prong_socket_splice_out(), of all that there is room for, and of
 * all that is in it, which is at least one byte. */
ssize_t pipe_fill(struct pipe *pipe, struct prong_socket *source);
ssize_t pipe_pour(struct pipe *pipe, struct prong_socket *target);

#endif
