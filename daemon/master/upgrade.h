/* SPDX-License-Identifier: MIT
 *
 * Upgrade: the program is replaced in place, by exec, and every connection lives on.
 *
 *     IDLE → CHECKING → (exec: the new program adopts the estate and reloads)
 *              └──────> IDLE      the new program refuses the configuration or the estate
 *
 * Same process, same handles, same workers; what follows is a reload: the new program's workers get
 * the connections of the old one's.  A new program that fails its check changes nothing.  One that
 * passes and then cannot take over goes back to the old one, whose image is kept open.
 */
#ifndef PRONGD_UPGRADE_H
#define PRONGD_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

struct control_client;
struct master;
struct program;
struct upgrade;

/* NULL with errno ENOMEM. */
struct upgrade *upgrade_new(struct master *master);

/* Asks for an upgrade.  `client`: who is answered, by the new program; NULL: nobody but the log. */
void upgrade_request(struct upgrade *upgrade, struct control_client *client);

/* A child has ended.  True: it was the check. */
bool upgrade_on_child(struct upgrade *upgrade, pid_t pid, int status);

/* In a program that could not take over: runs the one before it.  Returns only when that fails, or
 * when this is the one. */
void upgrade_go_back(const struct program *program, int estate);

/* Accepts NULL. */
void upgrade_free(struct upgrade *upgrade);

#endif
