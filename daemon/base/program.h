/* SPDX-License-Identifier: MIT
 *
 * The program itself: where it is and how it was called, to be called again.
 */
#ifndef PRONGD_PROGRAM_H
#define PRONGD_PROGRAM_H

/* Names the descriptor of its estate (master/estate.h) to the program that follows. */
#define ESTATE_VARIABLE "PRONGD_ESTATE"

struct program {
    /* Absolute, resolved at the start: after a package upgrade /proc/self/exe says "(deleted)". */
    char path[4096];
    char **arguments;        /* borrowed; ends with NULL */
    const char *config_file; /* borrowed */
    int estate;              /* what the program before this one left; -1: nothing */
};

/* 0 or -errno. */
int program_find(struct program *program, char **arguments, const char *config_file);

#endif
