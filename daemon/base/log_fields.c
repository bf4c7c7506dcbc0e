/* SPDX-License-Identifier: MIT
 *
 * Takes a log line apart.
 */
#include "log_fields.h"

#include <ctype.h>
#include <string.h>

/* More fields than any line has; those behind are left out of JSON. */
#define MOST_FIELDS 48
#define NAME_SIZE   64

/* The largest whole number that every reader of JSON takes exactly has 15 digits; those of 64 bits
 * have 19, and good readers take them, too. */
#define MOST_DIGITS 18

/* The length of the name of a field that begins here; 0: none does. */
static size_t name_at(const char *text)
{
    size_t size = 0;

    while (islower((unsigned char)text[size]) || text[size] == '_' ||
           (size > 0 && isdigit((unsigned char)text[size])))
        size++;
    return text[size] == '=' ? size : 0;
}

/* Where the next field begins; NULL: there is none. */
static const char *find_field(const char *text)
{
    if (name_at(text) > 0)
        return text;
    for (text = strchr(text, ' '); text != NULL; text = strchr(text + 1, ' ')) {
        if (name_at(text + 1) > 0)
            return text + 1;
    }
    return NULL;
}

size_t log_fields_event(const char *line)
{
    const char *first = find_field(line);

    if (first == NULL)
        return strlen(line);
    return first == line ? 0 : (size_t)(first - line) - 1;
}

/* Of a value in quotes: behind the one that closes it.  NULL: nothing closes it. */
static const char *end_of_quotes(const char *value)
{
    const char *end = strchr(value + 1, '"');

    while (end != NULL && end[1] != '\0' && end[1] != ' ')
        end = strchr(end + 1, '"');
    return end != NULL ? end + 1 : NULL;
}

static const char *end_of_value(const char *value)
{
    const char *quoted = *value == '"' ? end_of_quotes(value) : NULL;
    const char *next;

    if (quoted != NULL)
        return quoted;
    for (next = strchr(value, ' '); next != NULL; next = strchr(next + 1, ' ')) {
        if (name_at(next + 1) > 0)
            return next;
    }
    return value + strlen(value);
}

bool log_fields_next(const char **rest, struct log_field *field)
{
    const char *name = find_field(*rest), *end;

    if (name == NULL)
        return false;
    field->name = name;
    field->name_size = name_at(name);
    field->value = name + field->name_size + 1;
    end = end_of_value(field->value);
    *rest = *end == ' ' ? end + 1 : end;
    field->value_size = (size_t)(end - field->value);
    if (field->value_size >= 2 && field->value[0] == '"' && end[-1] == '"') {
        field->value++;
        field->value_size -= 2;
    }
    return true;
}

/* --- JSON --- */

static size_t digits_at(const char *text, size_t size)
{
    size_t count = 0;

    while (count < size && isdigit((unsigned char)text[count]))
        count++;
    return count;
}

/* As JSON allows it: no leading zero, no plus, digits on both sides of the point. */
static bool is_number(const char *text, size_t size)
{
    size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
    size_t whole = digits_at(text + sign, size - sign), rest = size - sign - whole;

    if (whole == 0 || whole > MOST_DIGITS || (text[sign] == '0' && whole > 1))
        return false;
    if (rest == 0)
        return true;
    return text[size - rest] == '.' && rest > 1 && rest <= MOST_DIGITS &&
           digits_at(text + size - rest + 1, rest - 1) == rest - 1;
}

static bool is_double(const struct log_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name_size == fields[count].name_size &&
            memcmp(fields[i].name, fields[count].name, fields[i].name_size) == 0)
            return true;
    }
    return false;
}

static void add_field(struct json_line *json, const struct log_field *field)
{
    char name[NAME_SIZE];

    memcpy(name, field->name, field->name_size);
    name[field->name_size] = '\0';
    if (is_number(field->value, field->value_size))
        json_line_literal(json, name, field->value, field->value_size);
    else
        json_line_bytes(json, name, field->value, field->value_size);
}

void log_fields_to_json(const char *line, struct json_line *json)
{
    struct log_field fields[MOST_FIELDS];
    size_t count = 0;

    while (count < MOST_FIELDS && log_fields_next(&line, &fields[count])) {
        if (fields[count].name_size >= NAME_SIZE || is_double(fields, count))
            continue;
        add_field(json, &fields[count]);
        count++;
    }
}
