/* SPDX-License-Identifier: MIT
 *
 * The command `tap`: whichever worker has the connection copies its bytes into a pipe, whose other
 * end goes to prongctl.  The master only makes the pipe.
 */
#ifndef PRONGD_TAPPING_H
#define PRONGD_TAPPING_H

#include <jansson.h>

struct control_client;

/* {"ok": true} with the reading end of the pipe (base/tap_stream.h).  `user` is the master. */
void tapping_begin(struct control_client *client, const json_t *arguments, void *user);

#endif
