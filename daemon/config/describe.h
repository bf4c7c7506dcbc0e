/* SPDX-License-Identifier: MIT
 *
 * What can be read about the options without a configuration: made from their rows.
 */
#ifndef PRONGD_DESCRIBE_H
#define PRONGD_DESCRIBE_H

#include <prongd/handler.h>
#include <stdio.h>

/* A configuration with every option as a comment, and one small server: conf/prongd.conf. */
void describe_sample(const struct prongd_handler *const *handlers, FILE *stream);

/* A server with the handler `value`, a module's path, and each of its own options as a comment. */
void describe_module(const struct prongd_handler *handler, const char *value, FILE *stream);

/* The manual page prongd.conf(5), in roff with the man macros. */
void describe_manual(const struct prongd_handler *const *handlers, FILE *stream);

#endif
