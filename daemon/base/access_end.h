/* SPDX-License-Identifier: MIT
 *
 * Who ended a connection, and why: one row for each way.
 *
 * The access log knows a way by its row; a new one needs a row here and the place that notes it.
 */
#ifndef PRONGD_ACCESS_END_H
#define PRONGD_ACCESS_END_H

enum access_end {
    ACCESS_END_UNKNOWN,    /* nobody noted anything yet */
    ACCESS_END_CLIENT,     /* it ended, or hung up, first */
    ACCESS_END_HANDLER,    /* it ended or destroyed the connection first */
    ACCESS_END_RESET,      /* the client reset the connection */
    ACCESS_END_ERROR,      /* the network, or the handler, gave a code */
    ACCESS_END_IDLE,       /* `timeout` */
    ACCESS_END_FIRST_BYTE, /* `first_byte_timeout` */
    ACCESS_END_LIFETIME,   /* `lifetime` */
    ACCESS_END_STALL,      /* `write_timeout` */
    ACCESS_END_UPSTREAM,   /* the same: not the client, but what it is relayed to takes nothing */
    ACCESS_END_SILENT,     /* the kernel gave up on the client: user_timeout, keep_alive */
    ACCESS_END_LINGER,     /* `linger` */
    ACCESS_END_QUEUE,      /* `max_write_queue` */
    ACCESS_END_MEMORY,     /* `max_memory` */
    ACCESS_END_REFUSED,    /* it was never let in: a limit or a list */
    ACCESS_END_EXPELLED,   /* `enforce = established` */
    ACCESS_END_WORKER,     /* its worker was replaced, and it could not, or should not, move */
    ACCESS_END_SHUTDOWN,   /* the service stopped */
    ACCESS_END_OPERATOR,   /* prongctl close */
    ACCESS_END_PROGRAM,    /* the program that had the connection, by itself */
    ACCESS_END_RUNTIME,    /* `max_runtime` of a program */
    ACCESS_ENDS
};

/* Those that prongd cuts off are counted for status and metrics. */
#define ACCESS_FIRST_CUT ACCESS_END_IDLE
#define ACCESS_CUTS      (ACCESS_END_MEMORY - ACCESS_FIRST_CUT + 1)

/* "client", "timeout" … */
const char *access_end_by(enum access_end end);

/* The reason, where nothing more exact is known: "write_timeout". */
const char *access_end_reason(enum access_end end);

/* What a code that the socket ended with says of it; 0: UNKNOWN. */
enum access_end access_end_of_error(int code);

#endif
