/* SPDX-License-Identifier: MIT
 *
 * The ways in which a connection ends.
 */
#include "access_end.h"

#include <errno.h>
#include <stddef.h>

struct end_row {
    const char *by, *reason;
};

static const struct end_row rows[ACCESS_ENDS] = {
    [ACCESS_END_UNKNOWN] = {"unknown", "-"},
    [ACCESS_END_CLIENT] = {"client", "end"},
    [ACCESS_END_HANDLER] = {"handler", "end"},
    [ACCESS_END_RESET] = {"reset", "ECONNRESET"},
    [ACCESS_END_ERROR] = {"error", "-"},
    [ACCESS_END_IDLE] = {"timeout", "timeout"},
    [ACCESS_END_FIRST_BYTE] = {"timeout", "first_byte_timeout"},
    [ACCESS_END_LIFETIME] = {"timeout", "lifetime"},
    [ACCESS_END_STALL] = {"timeout", "write_timeout"},
    [ACCESS_END_UPSTREAM] = {"timeout", "write_timeout_upstream"},
    [ACCESS_END_SILENT] = {"timeout", "ETIMEDOUT"},
    [ACCESS_END_LINGER] = {"timeout", "linger"},
    [ACCESS_END_QUEUE] = {"limit", "max_write_queue"},
    [ACCESS_END_MEMORY] = {"limit", "max_memory"},
    [ACCESS_END_REFUSED] = {"refused", "-"},
    [ACCESS_END_EXPELLED] = {"expelled", "enforce"},
    [ACCESS_END_WORKER] = {"worker", "replaced"},
    [ACCESS_END_SHUTDOWN] = {"shutdown", "stop"},
    [ACCESS_END_OPERATOR] = {"operator", "close"},
    [ACCESS_END_PROGRAM] = {"program", "exit"},
    [ACCESS_END_RUNTIME] = {"timeout", "max_runtime"},
};

const char *access_end_by(enum access_end end)
{
    return rows[end].by;
}

const char *access_end_reason(enum access_end end)
{
    return rows[end].reason;
}

static const struct {
    int code;
    enum access_end end;
} errors[] = {
    {0, ACCESS_END_UNKNOWN},         {-ECONNRESET, ACCESS_END_RESET}, {-EPIPE, ACCESS_END_RESET},
    {-ETIMEDOUT, ACCESS_END_SILENT}, {-ENOBUFS, ACCESS_END_QUEUE},
};

enum access_end access_end_of_error(int code)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].code == code)
            return errors[i].end;
    }
    return ACCESS_END_ERROR;
}
