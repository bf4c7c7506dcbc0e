/* SPDX-License-Identifier: MIT
 *
 * A child that inherits the mapping, and does it.
 */
#include "wild_write.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* 0: there is no such mapping. */
static unsigned long find(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long start = 0;
    char line[256];

    while (start == 0 && fgets(line, sizeof(line), maps) != NULL)
        start = strstr(line, name) != NULL ? strtoul(line, NULL, 16) : 0;
    (void)fclose(maps);
    return start;
}

int wild_write(const char *name)
{
    unsigned long start = find(name);
    pid_t child;
    int status;

    assert_int_not_equal(start, 0);
    child = fork();
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        *(volatile uint64_t *)start = 0;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}
