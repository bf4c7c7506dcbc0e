/* SPDX-License-Identifier: MIT
 *
 * A text of bounded size that never ends in half a piece.
 */
#include "log_text.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

static const char ellipsis[] = "…";

#define ELLIPSIS_SIZE (sizeof(ellipsis) - 1)

void log_text_init(struct log_text *text, char *bytes, size_t size)
{
    *text = (struct log_text){.bytes = bytes, .room = size - 1};
    bytes[0] = '\0';
}

static void cut(struct log_text *text)
{
    text->is_cut = true;
    if (text->room < ELLIPSIS_SIZE)
        return;
    memcpy(text->bytes + text->safe, ellipsis, sizeof(ellipsis));
    text->length = text->safe + ELLIPSIS_SIZE;
}

void log_text_add(struct log_text *text, const char *piece, size_t length)
{
    if (text->is_cut)
        return;
    if (length > text->room - text->length) {
        cut(text);
        return;
    }
    memcpy(text->bytes + text->length, piece, length);
    text->length += length;
    text->bytes[text->length] = '\0';
    if (text->room - text->length >= ELLIPSIS_SIZE)
        text->safe = text->length;
}

static void add_escape(struct log_text *text, unsigned char byte)
{
    char piece[sizeof("\\xNN")];

    switch (byte) {
    case '\n':
        log_text_add(text, "\\n", 2);
        break;
    case '\t':
        log_text_add(text, "\\t", 2);
        break;
    case '\\':
        log_text_add(text, "\\\\", 2);
        break;
    default:
        (void)snprintf(piece, sizeof(piece), "\\x%02x", byte);
        log_text_add(text, piece, sizeof(piece) - 1);
        break;
    }
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* The bytes of the UTF-8 character at `line`: this byte and the 10xxxxxx ones behind it. */
static size_t character_size(const char *line)
{
    size_t size = 1;

    while (size < 4 && ((unsigned char)line[size] & 0xc0) == 0x80)
        size++;
    return size;
}

void log_text_add_line(struct log_text *text, const char *line)
{
    size_t size;

    for (; *line != '\0' && !text->is_cut; line += size) {
        size = 1;
        if (is_control((unsigned char)*line)) {
            add_escape(text, (unsigned char)*line);
            continue;
        }
        size = character_size(line);
        log_text_add(text, line, size);
    }
}

void log_text_add_foreign(struct log_text *text, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    const unsigned char *end = byte + length;

    for (; byte < end && !text->is_cut; byte++) {
        if (is_control(*byte) || *byte >= 0x80 || *byte == '\\')
            add_escape(text, *byte);
        else
            log_text_add(text, (const char *)byte, 1);
    }
}

const char *log_escape(const void *bytes, size_t length, char *text, size_t size)
{
    struct log_text escaped;

    if (size == 0)
        return text;
    log_text_init(&escaped, text, size);
    log_text_add_foreign(&escaped, bytes, length);
    return text;
}
