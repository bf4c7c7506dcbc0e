/* SPDX-License-Identifier: MIT
 *
 * What the writer and the reader of an estate agree on.
 */
#ifndef PRONGD_ESTATE_INTERNAL_H
#define PRONGD_ESTATE_INTERNAL_H

/* Raised when a program could misunderstand what an older one wrote.  Members may be added: a
 * reader takes what it knows. */
#define ESTATE_VERSION 2

#endif
