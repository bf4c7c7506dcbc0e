/* SPDX-License-Identifier: MIT
 *
 * Words, separated by spaces: the first says where, the others how.
 */
#include "upstream_item.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES           " \t"
#define HOST_LETTERS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define CONNECTIONS_MOST 1000000000
#define FORMS            "write HOST:PORT, [IPV6]:PORT, unix:/PATH or unix:@NAME"

struct problem {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct problem *problem,
                                                        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem->text, problem->size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Only digits, from `least` to `most`; -1 for anything else. */
static long read_number(const char *text, long least, long most)
{
    size_t digits = strspn(text, "0123456789");
    long value;

    if (digits == 0 || digits > 10 || text[digits] != '\0')
        return -1;
    value = strtol(text, NULL, 10);
    return value >= least && value <= most ? value : -1;
}

/* --- Where --- */

/* Does it end with a number, as IPv4 addresses do and names never? */
static bool ends_with_number(const char *host)
{
    const char *last = strrchr(host, '.');

    last = last == NULL ? host : last + 1;
    return *last != '\0' && strspn(last, "0123456789") == strlen(last);
}

static int read_name(struct upstream_item *item, const char *word, const struct problem *problem)
{
    const char *colon = strrchr(word, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - word);
    long port = colon == NULL ? -1 : read_number(colon + 1, 1, UINT16_MAX);

    if (colon == NULL || *word == '[' || memchr(word, ':', length) != NULL)
        return refuse(problem, "\"%s\" is not an address: " FORMS, word);
    if (port < 0)
        return refuse(problem, "\"%s\" does not end with a port from 1 to 65535", word);
    if (length == 0)
        return refuse(problem, "\"%s\" has no host: " FORMS, word);
    if (length >= UPSTREAM_HOST_SIZE || strspn(word, HOST_LETTERS) != length)
        return refuse(problem, "\"%s\" is neither an address nor a name: " FORMS, word);
    memcpy(item->host, word, length);
    item->address.port = (uint16_t)port;
    if (ends_with_number(item->host))
        return refuse(problem, "\"%s\" is neither an IPv4 address nor a name", word);
    return 0;
}

static int read_unix(struct upstream_item *item, const char *word, const struct problem *problem)
{
    const char *path = word + strlen("unix:");
    int error = prong_address_from_path(&item->address, path);

    if (error == -ENAMETOOLONG)
        return refuse(problem, "\"%s\" is too long: a unix socket's path has at most %d bytes",
                      word, PRONG_PATH_SIZE - 1);
    if (error < 0 || (*path != '/' && *path != '@'))
        return refuse(problem, "\"%s\" has no absolute path: write unix:/PATH or unix:@NAME", word);
    return 0;
}

static int read_place(struct upstream_item *item, const char *word, const struct problem *problem)
{
    if (strncmp(word, "unix:", strlen("unix:")) == 0)
        return read_unix(item, word, problem);
    if (*word == '/')
        return refuse(problem, "\"%s\" is not an address: write unix:%s", word, word);
    if (prong_address_parse(&item->address, word) < 0)
        return read_name(item, word, problem);
    if (item->address.port == 0)
        return refuse(problem, "\"%s\" does not end with a port from 1 to 65535", word);
    return 0;
}

/* --- How --- */

struct parameter {
    const char *name;
    size_t offset;
    long most;
};

static const struct parameter parameters[] = {
    {"weight", offsetof(struct upstream_item, weight), UPSTREAM_WEIGHT_MOST},
    {"max_connections", offsetof(struct upstream_item, max_connections), CONNECTIONS_MOST},
};

static const struct parameter *find_parameter(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (strlen(parameters[i].name) == length && memcmp(parameters[i].name, word, length) == 0)
            return &parameters[i];
    }
    return NULL;
}

static int read_parameter(struct upstream_item *item, const char *word,
                          const struct problem *problem)
{
    size_t length = strcspn(word, "=");
    const struct parameter *parameter = find_parameter(word, length);
    long value;

    if (strcmp(word, "backup") == 0) {
        item->is_backup = true;
        return 0;
    }
    if (parameter == NULL || word[length] != '=')
        return refuse(problem,
                      "\"%s\" says nothing about an upstream: write weight=N, max_connections=N or "
                      "backup",
                      word);
    value = read_number(word + length + 1, 1, parameter->most);
    if (value < 0)
        return refuse(problem, "\"%s\" is not a number from 1 to %ld: write %s=1", word,
                      parameter->most, parameter->name);
    *(uint32_t *)((char *)item + parameter->offset) = (uint32_t)value;
    return 0;
}

static int read_words(struct upstream_item *item, char *words, const struct problem *problem)
{
    char *rest = NULL;
    char *word = strtok_r(words, SPACES, &rest);
    int error = word == NULL ? refuse(problem, "an item is empty: " FORMS)
                             : read_place(item, word, problem);

    while (error == 0 && (word = strtok_r(NULL, SPACES, &rest)) != NULL)
        error = read_parameter(item, word, problem);
    return error;
}

int upstream_item_parse(struct upstream_item *item, const char *text, char *problem, size_t size)
{
    const struct problem sentence = {problem, size};
    char *words = strdup(text);
    int error;

    *item = (struct upstream_item){.text = text, .weight = 1};
    if (words == NULL)
        return refuse(&sentence, "there is not enough memory");
    error = read_words(item, words, &sentence);
    free(words);
    return error;
}

size_t upstream_item_name_length(const char *item)
{
    return strcspn(item, SPACES);
}

bool upstream_item_is(const char *item, const char *text)
{
    size_t length = upstream_item_name_length(item);

    return strlen(text) == length && memcmp(item, text, length) == 0;
}

int upstream_item_check(const char *text, char *problem, size_t size)
{
    struct upstream_item item;

    return upstream_item_parse(&item, text, problem, size);
}
