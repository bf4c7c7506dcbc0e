/* SPDX-License-Identifier: MIT
 *
 * The lines of a file: counted, checked, freed of comments, and handed to inih one by one.
 */
#include "reader.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <ini.h>

#include "parse.h"

/* Room for a line that is not too long, and enough to see that one is. */
#define LINE_SIZE (READER_LINE_LIMIT + 2)

/* Against a file that never ends, such as a device. */
#define FILE_LIMIT (16L * 1024 * 1024)

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* Where a section's lines go. */
enum section {
    SECTION_NONE,   /* no section has begun: the first line is a problem */
    SECTION_OPEN,   /* into the document's last section */
    SECTION_REFUSED /* nowhere, silently: the problem was reported */
};

/* What an indented line goes on with. */
enum owner {
    OWNER_NONE,   /* nothing is above: it is a line like any other */
    OWNER_OPTION, /* the option above */
    OWNER_REFUSED /* the same, but that was refused: so is the line, silently */
};

struct reader {
    struct document *document;
    struct problems *problems;
    FILE *stream;
    long bytes;               /* read so far */
    struct problem_site site; /* the line that was read last */
    enum section section;
    enum owner owner;
    bool continues; /* the line that inih has goes on with the option above */
    char line[LINE_SIZE];
};

static void fail(struct reader *reader, int error)
{
    problems_add_system(reader->problems, reader->site.place.file, error, "cannot be read");
}

/* A NUL would hide the rest of its line: it becomes another control character. */
static char visible(int byte)
{
    return byte == '\0' ? '\1' : (char)byte;
}

/* Reads a line without its end into reader->line, as much of it as there is room for.  Its whole
 * length, or -1 at the end of the file. */
static long read_line(struct reader *reader)
{
    long length = 0;
    int byte = getc(reader->stream);

    if (byte == EOF)
        return -1;
    for (; byte != EOF && byte != '\n'; byte = getc(reader->stream)) {
        if (++reader->bytes > FILE_LIMIT)
            return -1;
        if (length < LINE_SIZE - 1)
            reader->line[length] = visible(byte);
        length++;
    }
    reader->line[length < LINE_SIZE ? length : LINE_SIZE - 1] = '\0';
    return length;
}

/* Ends the line before its comment, which begins with "#" or ";" at the line's beginning or after
 * a space. */
static void cut_comment(char *line)
{
    bool space = true;

    for (; *line != '\0'; line++) {
        if (space && (*line == '#' || *line == ';')) {
            *line = '\0';
            return;
        }
        space = isspace((unsigned char)*line) != 0;
    }
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (iscntrl((unsigned char)*text) && *text != '\t')
            return true;
    }
    return false;
}

/* Can the line be read at all?  It is too long for inih in any case beyond `limit`; comments
 * count too, so that the rule is easy to know. */
static bool is_readable(struct reader *reader, const char *text, long length, long limit)
{
    if (length > limit) {
        problems_add(reader->problems, &reader->site,
                     "the line is too long: %ld bytes are allowed, and a list may go on in "
                     "indented lines",
                     limit);
        return false;
    }
    if (has_control(text)) {
        problems_add(reader->problems, &reader->site,
                     "the line has a control character: only plain text is allowed");
        return false;
    }
    return true;
}

static void begin_section(struct reader *reader, char *text)
{
    char *end = strchr(text, ']');
    const struct document *document = reader->document;
    int error;

    reader->owner = OWNER_NONE;
    reader->section = SECTION_REFUSED;
    reader->site.section = NULL;
    if (end == NULL || end[1] != '\0') {
        problems_add(reader->problems, &reader->site,
                     "a section begins with [prongd] or [server NAME], alone on its line");
        return;
    }
    *end = '\0';
    error = document_add_section(reader->document, parse_trim(text + 1), reader->site.place,
                                 reader->problems);
    if (error == -ENOMEM)
        fail(reader, ENOMEM);
    if (error < 0)
        return;
    reader->section = SECTION_OPEN;
    reader->site.section = document->sections[document->section_count - 1].title;
}

static bool is_option(struct reader *reader, const char *text)
{
    const char *separator = strpbrk(text, "=:");

    if (separator == NULL || *separator != '=') {
        problems_add(reader->problems, &reader->site,
                     "\"%s\" is not NAME = VALUE: only \"=\" separates a name from its value",
                     text);
        return false;
    }
    if (separator == text) {
        problems_add(reader->problems, &reader->site, "a name is missing before \"=\"");
        return false;
    }
    return true;
}

static bool accept_option(struct reader *reader, const char *text)
{
    reader->owner = OWNER_REFUSED;
    if (reader->section == SECTION_NONE) {
        problems_add(reader->problems, &reader->site,
                     "no section has begun: write [prongd] or [server NAME] above");
        reader->section = SECTION_REFUSED;
    }
    if (reader->section == SECTION_REFUSED || !is_option(reader, text))
        return false;
    reader->owner = OWNER_OPTION;
    return true;
}

/* Is the line one for inih?  A section's beginning is not: the document has it already. */
static bool accept_line(struct reader *reader, char *text)
{
    if (*text == '\0')
        return false;
    if (reader->continues)
        return reader->owner == OWNER_OPTION;
    if (*text != '[')
        return accept_option(reader, text);
    begin_section(reader, text);
    return false;
}

/* The ini_reader: the next line as inih reads it right, or an empty one in its place. */
static char *next_line(char *line, int size, void *user)
{
    struct reader *reader = user;
    long limit = size - 3 < READER_LINE_LIMIT ? size - 3 : READER_LINE_LIMIT;
    long length = read_line(reader);
    char *text = reader->line;
    bool accepted = false;

    if (length < 0)
        return NULL;
    if (reader->site.place.line++ == 0 && strncmp(text, BYTE_ORDER_MARK, 3) == 0)
        text += strlen(BYTE_ORDER_MARK);
    cut_comment(text);
    reader->continues = isspace((unsigned char)*text) && reader->owner != OWNER_NONE;
    text = parse_trim(text);
    if (is_readable(reader, text, length, limit))
        accepted = accept_line(reader, text);
    else if (!reader->continues)
        reader->owner = OWNER_REFUSED;
    snprintf(line, (size_t)size, "%s%s\n", accepted && reader->continues ? " " : "",
             accepted ? text : "");
    return line;
}

/* The ini_handler.  inih's own idea of the section, and of names that go on, is not needed. */
static int take_entry(void *user, const char *section, const char *name, const char *text)
{
    struct reader *reader = user;

    (void)section;
    if (document_add_entry(reader->document, name, text, reader->continues, reader->site.place) < 0)
        fail(reader, ENOMEM);
    return 1;
}

void reader_read(struct document *document, FILE *stream, const char *file,
                 struct problems *problems)
{
    struct reader reader = {
        .document = document,
        .problems = problems,
        .stream = stream,
        .site.place.file = document_add_file(document, file),
    };
    int result;

    if (reader.site.place.file == NULL) {
        problems_add_system(problems, file, ENOMEM, "cannot be read");
        return;
    }
    errno = 0;
    result = ini_parse_stream(next_line, &reader, take_entry, &reader);
    if (ferror(stream))
        fail(&reader, errno);
    else if (reader.bytes > FILE_LIMIT)
        fail(&reader, EFBIG);
    else if (result != 0)
        fail(&reader, result < 0 ? ENOMEM : EINVAL);
}
