/* SPDX-License-Identifier: MIT
 *
 * What ps(1) shows of a process: "prongd: master /etc/prong/prongd.conf", "prongd: worker 3.0".
 */
#ifndef PRONGD_TITLE_H
#define PRONGD_TITLE_H

/* Titles are written over the arguments, which the kernel shows, and over the environment behind
 * them.  Moves the environment, and gives a copy of the arguments that ends with NULL and stays for
 * good; NULL when memory is short, and then there are no titles.  Once, first thing in main(). */
char **title_init(int count, char **arguments);

/* Sets what follows "prongd: "; cut to the room there is. */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
