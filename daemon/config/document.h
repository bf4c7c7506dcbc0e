/* SPDX-License-Identifier: MIT
 *
 * A configuration as it is written: sections, and in them names with texts.  What they mean is
 * not known here.
 *
 * A document may be put together from several files; each part knows its own file and line.
 */
#ifndef PRONGD_DOCUMENT_H
#define PRONGD_DOCUMENT_H

#include "problems.h"

/* The longest NAME of a [server NAME]. */
#define DOCUMENT_MAX_NAME 40

enum document_kind { DOCUMENT_DAEMON, DOCUMENT_SERVER };

struct document_entry {
    char *name;
    char *text;
    bool continues; /* an indented line: it goes on with the entry before it */
    struct place place;
};

struct document_section {
    enum document_kind kind;
    char *title;      /* "prongd", "server chat" */
    const char *name; /* "chat": the title's last word */
    struct place place;
    struct document_entry *entries;
    size_t entry_count;
};

struct document {
    char **files;
    size_t file_count;
    struct document_section *sections;
    size_t section_count;
};

/* Keeps a copy of the name for all places in that file.  NULL with errno ENOMEM. */
const char *document_add_file(struct document *document, const char *name);

/* Begins the section "[title]".  0; -EINVAL when there is no such section: the problem is
 * added; -ENOMEM. */
int document_add_section(struct document *document, const char *title, struct place place,
                         struct problems *problems);

/* Adds to the section that was begun last; there is one.  Copies.  0 or -ENOMEM. */
int document_add_entry(struct document *document, const char *name, const char *text,
                       bool continues, struct place place);

/* The first entry of that name, or NULL. */
const struct document_entry *document_find(const struct document_section *section,
                                           const char *name);

/* Harmless on an empty document. */
void document_clear(struct document *document);

#endif
