/* SPDX-License-Identifier: MIT
 *
 * Where the control socket is: control_socket of a configuration file, and nothing else of it.
 *
 * prongctl must find the master whatever else the file holds, so it does not load the
 * configuration; it reads lines, sections and comments as the configuration does.
 */
#ifndef PRONGCTL_SOCKET_PATH_H
#define PRONGCTL_SOCKET_PATH_H

#include <stddef.h>

/* Longer ones are no address (unix(7)). */
#define SOCKET_PATH_SIZE 128

/* The value of control_socket in `file`, or the default when it is not there; "none" as it is.
 * 0, -ENAMETOOLONG, or another -errno when the file cannot be read. */
int socket_path_read(const char *file, char path[SOCKET_PATH_SIZE]);

#endif
