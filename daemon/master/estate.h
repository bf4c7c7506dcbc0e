/* SPDX-License-Identifier: MIT
 *
 * The estate: what a master leaves to the program that follows it over exec.
 *
 * Handles, scoreboard, control socket, pid file, and the generations with their workers, as JSON in
 * a memfd; the descriptors themselves survive the exec.  It is versioned; a program that does not
 * understand it says so before anything has happened: `prongd -t` reads it, too.
 */
#ifndef PRONGD_ESTATE_H
#define PRONGD_ESTATE_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct control_client;
struct master;
struct prongd_handler;

/* A memfd with everything that `master` has; -errno.  `client` waits for the answer (NULL: nobody),
 * `image_fd` is the program itself, to return to.  Leaves every descriptor as it is. */
int estate_write(const struct master *master, const struct control_client *client, int image_fd);

/* Lets all descriptors that the estate names survive an exec, or not. */
int estate_set_inheritable(int fd, bool inheritable);

/* Can this program read it, and go on with `config`?  0, or a negative code with what stands in the
 * way in `problem`. */
int estate_check(int fd, const struct config *config, const struct prongd_handler *const *handlers,
                 char *problem, size_t size);

/* Makes the master what the estate says: scoreboard, listeners, control, pid file, generations.
 * The master's loop, supervisor and handlers exist already.  0, or a negative code with one
 * sentence in `problem`: the master is then unusable, and the descriptors are untouched. */
int estate_adopt(struct master *master, int fd, char *problem, size_t size);

/* The descriptor of the program that wrote it; -1: it cannot be read. */
int estate_image_fd(int fd);

#endif
