/* SPDX-License-Identifier: MIT
 *
 * One line of JSON.
 *
 * The text keeps room for what closes the line: a quote and the brace of every object.
 */
#include "json_line.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CLOSING (1 + JSON_LINE_DEPTH)

/* --- UTF-8 --- */

struct lead_row {
    unsigned char first, last;         /* of the first byte */
    unsigned char size;                /* of the character */
    unsigned char next_low, next_high; /* of the second byte; those after it are 80 to bf */
};

static const struct lead_row leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool has_tail(const struct lead_row *lead, const unsigned char *bytes)
{
    if (lead->size > 1 && (bytes[1] < lead->next_low || bytes[1] > lead->next_high))
        return false;
    for (size_t i = 2; i < lead->size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

size_t json_line_character(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (bytes[0] < leads[i].first || bytes[0] > leads[i].last)
            continue;
        return leads[i].size <= size && has_tail(&leads[i], bytes) ? leads[i].size : 0;
    }
    return 0;
}

/* --- Texts --- */

/* The one place that escapes.  How many bytes of the text it stands for. */
static size_t add_character(struct log_text *text, const unsigned char *bytes, size_t size)
{
    size_t length = json_line_character(bytes, size);
    char piece[sizeof("\\uNNNN")];
    int written;

    if (length == 0)
        written = snprintf(piece, sizeof(piece), "\\\\x%02x", bytes[0]);
    else if (bytes[0] == '"' || bytes[0] == '\\')
        written = snprintf(piece, sizeof(piece), "\\%c", bytes[0]);
    else if (bytes[0] == '\n')
        written = snprintf(piece, sizeof(piece), "\\n");
    else if (bytes[0] < 0x20 || bytes[0] == 0x7f)
        written = snprintf(piece, sizeof(piece), "\\u%04x", bytes[0]);
    else {
        log_text_add(text, (const char *)bytes, length);
        return length;
    }
    log_text_add(text, piece, (size_t)written);
    return 1;
}

/* Bytes that stand for themselves, as nearly all do, at once. */
static size_t count_plain(const unsigned char *bytes, size_t size)
{
    size_t count = 0;

    while (count < size && bytes[count] >= 0x20 && bytes[count] < 0x7f && bytes[count] != '"' &&
           bytes[count] != '\\')
        count++;
    return count;
}

static void add_escaped(struct log_text *text, const unsigned char *bytes, size_t size)
{
    size_t plain = count_plain(bytes, size), step;

    if (plain == size && size <= text->room - text->length) {
        log_text_add(text, (const char *)bytes, size);
        return;
    }
    for (; size > 0 && !text->is_cut; bytes += step, size -= step)
        step = add_character(text, bytes, size);
}

/* --- Members --- */

static void add(struct json_line *line, const char *text)
{
    log_text_add(&line->text, text, strlen(text));
}

/* Is there room for so much more, after which "…" would fit?  What is left out once is the last. */
static bool has_room(struct json_line *line, size_t size)
{
    struct log_text *text = &line->text;

    if (!text->is_cut && size + sizeof("…") <= text->room - text->length)
        return true;
    text->is_cut = true;
    return false;
}

/* Fits in any case: room was kept for it. */
static void close_with(struct log_text *text, char mark)
{
    text->bytes[text->length++] = mark;
    text->bytes[text->length] = '\0';
    text->is_cut = text->is_cut || text->length >= text->room;
}

/* `"name":`, with a comma before it when it is not the first.  False: it does not fit with a value
 * of `size` bytes. */
static bool begin_member(struct json_line *line, const char *name, size_t size)
{
    if (!has_room(line, strlen(name) + sizeof(",\"\":") + size))
        return false;
    if (line->text.bytes[line->text.length - 1] != '{')
        add(line, ",");
    add(line, "\"");
    add(line, name);
    add(line, "\":");
    return true;
}

void json_line_bytes(struct json_line *line, const char *name, const void *bytes, size_t size)
{
    if (!begin_member(line, name, sizeof("\"\"")))
        return;
    add(line, "\"");
    add_escaped(&line->text, bytes, size);
    close_with(&line->text, '"');
}

void json_line_text(struct json_line *line, const char *name, const char *text)
{
    json_line_bytes(line, name, text, strlen(text));
}

void json_line_literal(struct json_line *line, const char *name, const char *literal, size_t length)
{
    if (begin_member(line, name, length))
        log_text_add(&line->text, literal, length);
}

void json_line_number(struct json_line *line, const char *name, uint64_t number)
{
    char digits[sizeof("18446744073709551615")];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);

    json_line_literal(line, name, digits, (size_t)length);
}

/* --- Objects --- */

void json_line_begin(struct json_line *line, char *bytes, size_t size)
{
    assert(size > CLOSING + sizeof("{…"));
    log_text_init(&line->text, bytes, size - CLOSING);
    add(line, "{");
    line->depth = 1;
}

void json_line_open(struct json_line *line, const char *name)
{
    assert(line->depth < JSON_LINE_DEPTH);
    if (begin_member(line, name, sizeof("{}"))) {
        add(line, "{");
        line->depth++;
    }
}

static void close_object(struct json_line *line)
{
    close_with(&line->text, '}');
    line->depth--;
}

void json_line_close(struct json_line *line)
{
    if (line->depth > 1)
        close_object(line);
}

size_t json_line_end(struct json_line *line)
{
    while (line->depth > 0)
        close_object(line);
    return line->text.length;
}
