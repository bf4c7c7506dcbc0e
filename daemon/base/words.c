/* SPDX-License-Identifier: MIT
 *
 * Cutting a command into words.
 */
#include "words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES      " \t\r\n\v\f"
#define SHELL_SIGNS "|&;<>`$"

/* Where the reader stands, and where the writer does. */
struct cutter {
    const char *text;
    const char *at;
    char *out;
    char *problem;
    size_t size;
};

static bool refuse(const struct cutter *cutter, const char *where, const char *what)
{
    snprintf(cutter->problem, cutter->size, "character %zu: %s", (size_t)(where - cutter->text) + 1,
             what);
    return false;
}

/* Behind the quote that opens.  False: there is none that closes. */
static bool cut_quoted(struct cutter *cutter)
{
    const char *begin = cutter->at++;
    char quote = *begin;

    for (; *cutter->at != quote; cutter->at++) {
        if (quote == '"' && *cutter->at == '\\' && (cutter->at[1] == '"' || cutter->at[1] == '\\'))
            cutter->at++;
        if (*cutter->at == '\0')
            return refuse(cutter, begin, "this quote is not closed");
        *cutter->out++ = *cutter->at;
    }
    cutter->at++;
    return true;
}

static bool cut_plain(struct cutter *cutter)
{
    if (strchr(SHELL_SIGNS, *cutter->at) != NULL)
        return refuse(cutter, cutter->at,
                      "there is no shell to understand this sign: write it in quotes, or "
                      "/bin/sh -c '…' for a shell");
    if (*cutter->at == '\\' && *++cutter->at == '\0')
        return refuse(cutter, cutter->at - 1,
                      "a backslash keeps the next character, and there is "
                      "none");
    *cutter->out++ = *cutter->at++;
    return true;
}

/* One word with its NUL. */
static bool cut_word(struct cutter *cutter)
{
    bool is_good = true;

    while (is_good && *cutter->at != '\0' && strchr(SPACES, *cutter->at) == NULL) {
        if (*cutter->at == '\'' || *cutter->at == '"')
            is_good = cut_quoted(cutter);
        else
            is_good = cut_plain(cutter);
    }
    *cutter->out++ = '\0';
    return is_good;
}

static void skip_spaces(struct cutter *cutter)
{
    cutter->at += strspn(cutter->at, SPACES);
}

/* All of them, one behind the other.  How many; 0 when something is wrong. */
static size_t cut_all(struct cutter *cutter)
{
    size_t count = 0;

    for (skip_spaces(cutter); *cutter->at != '\0'; skip_spaces(cutter)) {
        if (!cut_word(cutter))
            return 0;
        count++;
    }
    if (count == 0)
        snprintf(cutter->problem, cutter->size, "a program is missing");
    return count;
}

/* The words stand behind the list.  A text of so many characters has no more than half as many
 * words and a half. */
char **words_split(const char *text, char *problem, size_t size)
{
    size_t length = strlen(text), most = length / 2 + 2;
    char **list = malloc(most * sizeof(*list) + length + 2);
    struct cutter cutter = {.text = text, .at = text, .problem = problem, .size = size};
    size_t count;
    char *word;

    if (list == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    word = cutter.out = (char *)(list + most);
    count = cut_all(&cutter);
    if (count == 0) {
        free(list);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = word;
        word += strlen(word) + 1;
    }
    list[count] = NULL;
    return list;
}
