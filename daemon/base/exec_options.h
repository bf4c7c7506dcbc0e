/* SPDX-License-Identifier: MIT
 *
 * The options of the handler exec: what its rows fill (handlers/exec/options.c), and what the
 * master makes a keeper of (master/keeping_plan.c).
 */
#ifndef PRONGD_EXEC_OPTIONS_H
#define PRONGD_EXEC_OPTIONS_H

#include <prongd/option.h>
#include <stdint.h>

/* The value of `handler =`. */
#define EXEC_HANDLER "exec"

/* In the order of the option's choices. */
enum exec_excess { EXEC_EXCESS_WAIT, EXEC_EXCESS_CLOSE, EXEC_EXCESS_RESET };
enum exec_stderr { EXEC_STDERR_LOG, EXEC_STDERR_DISCARD, EXEC_STDERR_SOCKET };

struct exec_options {
    char *exec; /* a command: words.h */
    uint64_t max_processes;
    uint64_t max_processes_per_address; /* 0: no limit, as for max_processes */
    int excess;                         /* enum exec_excess */
    uint64_t max_runtime_ms;            /* 0: none */
    uint64_t kill_timeout_ms;
    char *run_as;       /* NULL: the workers' user */
    char *run_as_group; /* NULL: the user's own */
    char *directory;
    struct prongd_list environment; /* NAME=VALUE */
    int standard_error;             /* enum exec_stderr */
    uint64_t umask;
    char *nice; /* a number; NULL: as the keeper */
    uint64_t rlimit_nofile;
    uint64_t rlimit_core_bytes;
    uint64_t rlimit_as_bytes; /* 0: as it is, as for the next ones */
    uint64_t rlimit_fsize_bytes;
    uint64_t rlimit_cpu_ms;
    uint64_t rlimit_nproc;
};

#endif
