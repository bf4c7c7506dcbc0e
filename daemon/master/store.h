/* SPDX-License-Identifier: MIT
 *
 * Listening handles in systemd's descriptor store, from where the next prongd gets them back: what
 * they are called there, and which address of a configuration they serve.
 *
 *     prongd/SERVER/ORDINAL/SOCKET/DEVICE/INODE[/NTH]
 *
 * ORDINAL is 0, or for an address with port 0, n for the nth of its server.  SOCKET is the socket's
 * own inode number, which tells handles apart.  DEVICE and INODE are the file of a unix socket, so
 * that a file that somebody replaced is noticed; 0 without a file.  NTH is that of several handles
 * for one address (reuseport.h); without it, the first.
 */
#ifndef PRONGD_STORE_H
#define PRONGD_STORE_H

#include <stdbool.h>
#include <stddef.h>

struct config_server;
struct listener;
struct prong_address;

/* Where a descriptor from elsewhere listens.  0, or a negative code: it is no listening stream
 * socket. */
int store_look_up(int fd, struct prong_address *address);

/* Puts the handle there.  Gives its name, malloc'ed; NULL: there is no store. */
char *store_put(const struct listener *listener, bool any_port);

/* Is it the name of a handle that a prongd put there?  Those of socket units are not. */
bool store_has_name(const char *name);

/* Which of the handles for one address the name says that it is. */
unsigned store_nth(const char *name);

/* Is that handle just what would be opened for the server's address number `index`, which has
 * `ordinal` equal ones before it?  So it is not after a change of the options of the handle. */
bool store_fits(int fd, const char *name, const struct config_server *server, size_t index,
                unsigned ordinal);

/* Nobody wants the handle any more: drops and closes it, and unlinks its file if that is still
 * ours.  Takes `fd`. */
void store_discard(int fd, const char *name);

#endif
