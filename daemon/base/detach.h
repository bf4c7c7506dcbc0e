/* SPDX-License-Identifier: MIT
 *
 * Going to the background, as daemon(7) tells it of SysV daemons.
 *
 * The first process stays until the daemon reports: it ends with the daemon's status, and with 0
 * only when the service is up.
 */
#ifndef PRONGD_DETACH_H
#define PRONGD_DETACH_H

/* Closes what was inherited, resets signals, tidies the environment, leaves the session and the
 * directory.  -1 in the daemon, which still has stderr; in the first process, when it is done, the
 * exit status. */
int detach_start(void);

/* In a daemon: standard input, output and error lead to /dev/null from now on.  Otherwise nothing
 * happens. */
void detach_silence(void);

/* In a daemon, once: lets the first process end with `status`, after it has shown `why` on stderr
 * (NULL: nothing).  Otherwise nothing happens. */
void detach_report(int status, const char *why);

/* In a child of the daemon: it will report nothing. */
void detach_abandon(void);

#endif
