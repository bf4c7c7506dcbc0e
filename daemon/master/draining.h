/* SPDX-License-Identifier: MIT
 *
 * The commands drain and undrain.
 */
#ifndef PRONGD_DRAINING_H
#define PRONGD_DRAINING_H

#include <jansson.h>

struct control_client;

/* Are answered when every worker knows; `user` is the master. */
void draining_drain(struct control_client *client, const json_t *arguments, void *user);
void draining_undrain(struct control_client *client, const json_t *arguments, void *user);

#endif
