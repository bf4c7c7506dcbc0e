/* SPDX-License-Identifier: MIT
 *
 * What the writer and the reader of an estate agree on.
 */
#ifndef PRONGD_ESTATE_INTERNAL_H
#define PRONGD_ESTATE_INTERNAL_H

#include <jansson.h>
#include <stddef.h>

/* Raised when a program could misunderstand what an older one wrote.  Members may be added: a
 * reader takes what it knows. */
#define ESTATE_VERSION 4

/* What the memfd says; given.  NULL with one sentence in `problem`: it cannot be read, or is of
 * another version. */
json_t *estate_load(int fd, char *problem, size_t size);

#endif
