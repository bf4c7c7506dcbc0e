/* SPDX-License-Identifier: MIT
 *
 * Patterns to files, and files to one document.
 */
#include "include.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parse.h"
#include "reader.h"

#define MAX_DEPTH 8
#define MAX_FILES 1000

/* A file that is being read, and the one that includes it. */
struct including {
    struct document *document;
    struct problems *problems;
    const struct including *parent; /* NULL: the first file */
    const char *file;
    struct stat status; /* zeroed when it is not known */
    unsigned depth;
};

static void read_file(const struct including *parent, FILE *stream, const char *file);

static void no_memory(const struct including *including)
{
    problems_add_system(including->problems, including->file, ENOMEM, "cannot be loaded");
}

/* --- One file --- */

static bool is_same(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

/* Is the file one of those that are being read? */
static bool is_loop(const struct including *including, const struct stat *status)
{
    for (; including != NULL; including = including->parent) {
        if (is_same(&including->status, status))
            return true;
    }
    return false;
}

/* NULL: it may be read.  Otherwise the end of a sentence. */
static const char *obstacle(const struct including *including, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "is not a file";
    if (is_loop(including, status))
        return "would include itself";
    if (including->depth >= MAX_DEPTH)
        return "is included too deep: 8 files one in another are allowed";
    if (including->document->file_count >= MAX_FILES)
        return "is one too many: 1000 files are allowed";
    return NULL;
}

/* What is open need not be waited for: a pipe is refused. */
static void include_file(const struct including *including, const struct problem_site *site,
                         const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *stream = fd >= 0 ? fdopen(fd, "r") : NULL;
    const char *problem;
    struct stat status;

    if (stream == NULL || fstat(fd, &status) < 0) {
        problems_add(including->problems, site, "\"%s\" cannot be opened: %s", path,
                     strerror(errno));
        including->problems->system |= errno != ENOENT && errno != ENOTDIR;
    } else if ((problem = obstacle(including, &status)) != NULL) {
        problems_add(including->problems, site, "\"%s\" %s", path, problem);
    } else {
        read_file(including, stream, path);
    }
    if (stream != NULL)
        fclose(stream);
    else if (fd >= 0)
        close(fd);
}

/* --- Patterns --- */

static int on_glob_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT;
}

static void include_pattern(const struct including *including, const struct problem_site *site,
                            const char *pattern)
{
    glob_t matches = {0};
    int result = glob(pattern, 0, on_glob_error, &matches); /* sorted */

    if (result == GLOB_NOSPACE)
        no_memory(including);
    else if (result == GLOB_ABORTED)
        problems_add(including->problems, site, "\"%s\": a directory cannot be read", pattern);
    including->problems->system |= result == GLOB_ABORTED;
    for (size_t i = 0; result == 0 && i < matches.gl_pathc; i++)
        include_file(including, site, matches.gl_pathv[i]);
    globfree(&matches);
}

static void include_item(const struct including *including, const struct problem_site *site,
                         const char *item)
{
    const char *slash = strrchr(including->file, '/');
    int directory = *item == '/' || slash == NULL ? 0 : (int)(slash - including->file + 1);
    char *path = NULL;

    if (*item == '\0')
        return; /* the row refuses it */
    if (asprintf(&path, "%.*s%s", directory, including->file, item) < 0)
        no_memory(including);
    else if (strpbrk(item, "*?[") != NULL)
        include_pattern(including, site, path);
    else
        include_file(including, site, path);
    free(path);
}

/* --- The lists of a file --- */

static void include_list(const struct including *including, const struct problem_site *site,
                         const char *text)
{
    char *copy = strdup(text), *rest = copy, *item;

    if (copy == NULL)
        no_memory(including);
    while ((item = parse_next_item(&rest)) != NULL)
        include_item(including, site, item);
    free(copy);
}

/* Reading moves the arrays of the document: nothing in them is kept over a call. */
static void include_section(const struct including *including, size_t section)
{
    const struct document *document = including->document;

    for (size_t i = 0; i < document->sections[section].entry_count; i++) {
        const struct document_entry *entry = &document->sections[section].entries[i];
        const struct problem_site site = {entry->place, "prongd", "include"};

        if (strcmp(entry->name, "include") == 0)
            include_list(including, &site, entry->text);
    }
}

static void read_file(const struct including *parent, FILE *stream, const char *file)
{
    struct including including = *parent;
    size_t first = including.document->section_count, end;

    including.parent = parent;
    including.file = file;
    including.depth = parent->depth + 1;
    if (fstat(fileno(stream), &including.status) < 0)
        including.status = (struct stat){0}; /* it is no file, but memory */
    reader_read(including.document, stream, file, including.problems);
    end = including.document->section_count;
    for (size_t i = first; i < end; i++) {
        if (including.document->sections[i].kind == DOCUMENT_DAEMON)
            include_section(&including, i);
    }
}

void include_read(struct document *document, FILE *stream, const char *file,
                  struct problems *problems)
{
    const struct including nobody = {.document = document, .problems = problems, .file = file};

    read_file(&nobody, stream, file);
}
