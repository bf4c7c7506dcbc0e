/* SPDX-License-Identifier: MIT
 *
 * Sections and entries, and what a section may be called.
 */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "nearest.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* A section's first word, and how the whole is written. */
static const struct {
    const char *word;
    const char *written;
} kinds[] = {
    [DOCUMENT_DAEMON] = {"prongd", "[prongd]"},
    [DOCUMENT_SERVER] = {"server", "[server NAME]"},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const char *document_add_file(struct document *document, const char *name)
{
    char *copy = strdup(name);
    char **file = NULL;

    if (copy != NULL)
        file = array_add(&document->files, &document->file_count, sizeof(*file));
    if (file == NULL) {
        free(copy);
        return NULL;
    }
    *file = copy;
    return copy;
}

static void complain_unknown(const char *word, const struct problem_site *site,
                             struct problems *problems)
{
    struct nearest nearest = nearest_to(word);

    for (size_t i = 0; i < KIND_COUNT; i++)
        nearest_offer(&nearest, kinds[i].word);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (nearest.best == kinds[i].word) {
            problems_add(problems, site, "there is no such section; did you mean %s?",
                         kinds[i].written);
            return;
        }
    }
    problems_add(problems, site, "there is no such section: write %s or %s",
                 kinds[DOCUMENT_DAEMON].written, kinds[DOCUMENT_SERVER].written);
}

/* Two servers of one name are a problem, but both are read on: there may be more to say. */
static void check_repeated(const struct document *document, const char *name,
                           const struct problem_site *site, struct problems *problems)
{
    for (size_t i = 0; i < document->section_count; i++) {
        const struct document_section *other = &document->sections[i];

        if (other->kind != DOCUMENT_SERVER || strcmp(other->name, name) != 0)
            continue;
        problems_add(problems, site, "%s:%u has a server of this name: give each its own",
                     other->place.file, other->place.line);
        return;
    }
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= DOCUMENT_MAX_NAME && strspn(name, NAME_LETTERS) == length;
}

/* Which section `title` is, with its name; a negative code after a problem was added. */
static int classify(const struct document *document, const char *word, const char *name,
                    const struct problem_site *site, struct problems *problems)
{
    if (strcmp(word, kinds[DOCUMENT_DAEMON].word) == 0 && *name == '\0')
        return DOCUMENT_DAEMON;
    if (strcmp(word, kinds[DOCUMENT_SERVER].word) != 0) {
        complain_unknown(word, site, problems);
        return -EINVAL;
    }
    if (!is_name(name)) {
        problems_add(problems, site,
                     "%s needs a NAME of 1 to %d letters, digits, \"-\", \"_\" and \".\"",
                     kinds[DOCUMENT_SERVER].written, DOCUMENT_MAX_NAME);
        return -EINVAL;
    }
    check_repeated(document, name, site, problems);
    return DOCUMENT_SERVER;
}

/* Takes `title`. */
static int append_section(struct document *document, enum document_kind kind, char *title,
                          struct place place)
{
    struct document_section *section =
        array_add(&document->sections, &document->section_count, sizeof(*section));
    const char *space = strchr(title, ' ');

    if (section == NULL) {
        free(title);
        return -ENOMEM;
    }
    section->kind = kind;
    section->title = title;
    section->name = space == NULL ? title : space + 1;
    section->place = place;
    return 0;
}

int document_add_section(struct document *document, const char *title, struct place place,
                         struct problems *problems)
{
    const struct problem_site site = {.place = place, .section = title};
    size_t length = strcspn(title, " \t");
    const char *name = title + length + strspn(title + length, " \t");
    char *word = strndup(title, length);
    char *written = NULL;
    int kind;

    if (word == NULL)
        return -ENOMEM;
    kind = classify(document, word, name, &site, problems);
    if (kind >= 0 && asprintf(&written, "%s%s%s", word, *name == '\0' ? "" : " ", name) < 0)
        kind = -ENOMEM;
    free(word);
    return kind < 0 ? kind : append_section(document, (enum document_kind)kind, written, place);
}

static void clear_entry(struct document_entry *entry)
{
    free(entry->name);
    free(entry->text);
}

int document_add_entry(struct document *document, const char *name, const char *text,
                       bool continues, struct place place)
{
    struct document_section *section = &document->sections[document->section_count - 1];
    struct document_entry *entry =
        array_add(&section->entries, &section->entry_count, sizeof(*entry));

    if (entry == NULL)
        return -ENOMEM;
    entry->continues = continues;
    entry->place = place;
    entry->name = strdup(name);
    entry->text = strdup(text);
    if (entry->name != NULL && entry->text != NULL)
        return 0;
    clear_entry(entry);
    section->entry_count--;
    return -ENOMEM;
}

const struct document_entry *document_find(const struct document_section *section, const char *name)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        if (strcmp(section->entries[i].name, name) == 0)
            return &section->entries[i];
    }
    return NULL;
}

static void clear_section(struct document_section *section)
{
    for (size_t i = 0; i < section->entry_count; i++)
        clear_entry(&section->entries[i]);
    free(section->entries);
    free(section->title);
}

void document_clear(struct document *document)
{
    for (size_t i = 0; i < document->section_count; i++)
        clear_section(&document->sections[i]);
    for (size_t i = 0; i < document->file_count; i++)
        free(document->files[i]);
    free(document->sections);
    free(document->files);
    *document = (struct document){0};
}
