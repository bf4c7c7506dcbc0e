/* SPDX-License-Identifier: MIT
 *
 * Listening handles.  prong_listen_open() opens one.
 */
#ifndef PRONG_HANDLE_H
#define PRONG_HANDLE_H

#include <prong/address.h>

struct prong_listen_options;

/* Can an address be listened on with these options (NULL: the defaults)?  0 or -EINVAL. */
int handle_check(const struct prong_address *address, const struct prong_listen_options *options);

/* Makes a bound or listening stream socket ours: non-blocking, close-on-exec, listening.  The
 * caller keeps `fd`.  0, -EBADF, -ENOTSOCK, -EINVAL (not a stream socket) … */
int handle_adopt(int fd, int backlog);

#endif
