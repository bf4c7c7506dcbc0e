/* SPDX-License-Identifier: MIT
 *
 * From a document to a configuration.
 */
#ifndef PRONGD_LOAD_H
#define PRONGD_LOAD_H

#include "document.h"

/* Fills `config`, which has a file's name and is empty otherwise.  It is good when no problem
 * was added; config_free() it in any case. */
void load_document(struct config *config, const struct document *document,
                   const struct prongd_handler *const *handlers, struct problems *problems);

#endif
