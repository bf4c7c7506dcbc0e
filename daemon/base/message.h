/* SPDX-License-Identifier: MIT
 *
 * Every message between master and workers, a row each.
 */
#ifndef PRONGD_MESSAGE_H
#define PRONGD_MESSAGE_H

/* MESSAGE(name, direction and meaning) */
#define MESSAGES(MESSAGE)                                                                    \
    MESSAGE(READY, "worker to master: it accepts connections from now on")                   \
    MESSAGE(DRAINING, "worker to master: a signal told it to drain")                         \
    MESSAGE(DRAIN, "master to worker: stop accepting, end when the last connection is gone") \
    MESSAGE(STOP, "master to worker: close every connection and end now")                    \
    MESSAGE(LOG_REOPEN, "master to worker: open the log file anew")                          \
    MESSAGE(LOG_LEVEL, "master to worker: the level as a uint32_t")

enum message {
#define MESSAGE(name, meaning) MESSAGE_##name,
    MESSAGES(MESSAGE)
#undef MESSAGE
        MESSAGE_COUNT
};

/* "READY"; "?" for a number that is none. */
const char *message_name(unsigned message);

#endif
