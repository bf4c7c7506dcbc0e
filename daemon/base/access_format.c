/* SPDX-License-Identifier: MIT
 *
 * Templates of the access log: compiled to pieces, a literal or a field each.
 *
 * Lines are written for every connection, so what is the same in most of them is kept as text: the
 * second, and the address that clients connect to.
 */
#include "access_format.h"

#include <ctype.h>
#include <prong/address.h>
#include <stdlib.h>
#include <string.h>

#include "access_field.h"
#include "json_line.h"
#include "log_fields.h"
#include "log_text.h"

struct piece {
    const struct access_field *field; /* NULL: a literal */
    const char *literal;              /* into the template */
    size_t size;
};

struct access_format {
    struct access_scratch scratch;
    char *template_text;
    bool is_json;
    bool wants_fields;
    size_t count;
    struct piece pieces[];
};

/* Every field that is of the worker's, and the handler's own behind them. */
static const char text_template[] =
    "time=$time server=$server connection=$connection client=$client local=$local "
    "bytes_in=$bytes_in bytes_out=$bytes_out duration=$duration ended_by=$ended_by reason=$reason "
    "worker=$worker moves=$moves history=$history $fields";

static const char *named_template(const char *template_text)
{
    return strcmp(template_text, "text") == 0 ? text_template : template_text;
}

/* --- Reading a template --- */

/* A name behind a dollar sign: where it is, and where the template goes on. */
struct reference {
    const char *name;
    size_t size;
    const char *rest;
};

static enum access_format_fault read_reference(const char *dollar, struct reference *reference)
{
    bool has_brace = dollar[1] == '{';
    const char *end;

    reference->name = dollar + (has_brace ? 2 : 1);
    for (end = reference->name; isalnum((unsigned char)*end) || *end == '_';)
        end++;
    reference->size = (size_t)(end - reference->name);
    if (reference->size == 0)
        return ACCESS_FORMAT_NO_NAME;
    if (has_brace && *end != '}')
        return ACCESS_FORMAT_NO_BRACE;
    reference->rest = end + (has_brace ? 1 : 0);
    return access_field_find(reference->name, reference->size) != NULL ? ACCESS_FORMAT_FINE
                                                                       : ACCESS_FORMAT_UNKNOWN;
}

enum access_format_fault access_format_check(const char *template_text, char *name, size_t size)
{
    const char *at = strchr(named_template(template_text), '$');

    for (struct reference reference; at != NULL; at = strchr(reference.rest, '$')) {
        enum access_format_fault fault;

        if (at[1] == '$') {
            reference.rest = at + 2;
            continue;
        }
        fault = read_reference(at, &reference);
        if (fault == ACCESS_FORMAT_FINE)
            continue;
        if (reference.size >= size)
            reference.size = size - 1;
        memcpy(name, reference.name, reference.size);
        name[reference.size] = '\0';
        return fault;
    }
    return ACCESS_FORMAT_FINE;
}

/* --- Compiling --- */

static void add_literal(struct access_format *format, const char *bytes, size_t size)
{
    if (size > 0)
        format->pieces[format->count++] = (struct piece){.literal = bytes, .size = size};
}

static void add_field(struct access_format *format, const struct reference *reference)
{
    const struct access_field *field = access_field_find(reference->name, reference->size);

    format->wants_fields |= field->is_handlers;
    format->pieces[format->count++] = (struct piece){.field = field};
}

static void compile(struct access_format *format)
{
    const char *at = format->template_text, *dollar;
    struct reference reference;

    while ((dollar = strchr(at, '$')) != NULL) {
        add_literal(format, at, (size_t)(dollar - at));
        if (dollar[1] == '$') {
            add_literal(format, dollar, 1);
            at = dollar + 2;
        } else if (read_reference(dollar, &reference) == ACCESS_FORMAT_FINE) {
            add_field(format, &reference);
            at = reference.rest;
        } else {
            return; /* it was not checked */
        }
    }
    add_literal(format, at, strlen(at));
}

/* A piece for each dollar sign, one before each, one behind the last. */
static size_t count_pieces(const char *template_text)
{
    size_t count = 1;

    for (; *template_text != '\0'; template_text++)
        count += *template_text == '$' ? 2 : 0;
    return count;
}

struct access_format *access_format_new(const char *template_text)
{
    const char *meant = named_template(template_text);
    struct access_format *format =
        calloc(1, sizeof(*format) + count_pieces(meant) * sizeof(struct piece));

    if (format == NULL)
        return NULL;
    format->is_json = strcmp(template_text, "json") == 0;
    format->wants_fields = format->is_json;
    format->template_text = strdup(meant);
    if (format->template_text == NULL) {
        free(format);
        return NULL;
    }
    if (!format->is_json)
        compile(format);
    return format;
}

void access_format_free(struct access_format *format)
{
    if (format == NULL)
        return;
    free(format->template_text);
    free(format);
}

const char *access_format_field(size_t index)
{
    return index < access_field_count ? access_fields[index].name : NULL;
}

bool access_format_wants_fields(const struct access_format *format)
{
    return format->wants_fields;
}

/* --- Lines --- */

/* The blanks that a field without a value left at the end are no part of the line. */
static size_t put_text(struct access_format *format, const struct access_event *event, char *bytes)
{
    struct log_text line;

    log_text_init(&line, bytes, ACCESS_LINE_SIZE);
    for (size_t i = 0; i < format->count; i++) {
        const struct piece *piece = &format->pieces[i];

        if (piece->field != NULL)
            piece->field->put(&format->scratch, event, &line);
        else
            log_text_add(&line, piece->literal, piece->size);
    }
    while (line.length > 0 && bytes[line.length - 1] == ' ')
        line.length--;
    return line.length;
}

static size_t put_json(struct access_format *format, const struct access_event *event, char *bytes)
{
    struct json_line line;

    json_line_begin(&line, bytes, ACCESS_LINE_SIZE);
    for (size_t i = 0; i < access_field_count; i++) {
        const struct access_field *field = &access_fields[i];
        char value[ACCESS_VALUE_SIZE];
        struct log_text text;

        if (field->is_handlers)
            continue;
        log_text_init(&text, value, sizeof(value));
        field->put(&format->scratch, event, &text);
        if (field->is_number)
            json_line_literal(&line, field->name, value, text.length);
        else
            json_line_bytes(&line, field->name, value, text.length);
    }
    json_line_open(&line, "fields");
    log_fields_to_json(event->fields, &line);
    return json_line_end(&line);
}

size_t access_format_put(struct access_format *format, const struct access_event *event,
                         char bytes[ACCESS_LINE_SIZE])
{
    size_t length =
        format->is_json ? put_json(format, event, bytes) : put_text(format, event, bytes);

    bytes[length] = '\n';
    return length + 1;
}
