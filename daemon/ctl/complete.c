/* SPDX-License-Identifier: MIT
 *
 * Reads the words in front of the last one, and then asks the table of what is expected there.
 */
#include "complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "command.h"
#include "help.h"

/* A master that is busy for longer makes nobody wait who presses a key. */
#define PATIENCE_S 2

/* What was typed so far. */
struct typing {
    struct call call;   /* the command, NULL while there is none, and whom it goes to */
    size_t word_count;  /* the command, which may be unknown, and its arguments */
    const char *wanted; /* what the last word is a value of: "FILE"; NULL: of nothing */
    const char *word;   /* the last one, or what stands behind its = */
    const char *before; /* what stands in front of that */
    int before_length;
};

/* --- What a value may be --- */

static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};

/* Members of a list of what status answers, or fixed words, or names of files. */
static const struct kind {
    const char *name; /* as the tables write it */
    const char *list, *member;
    const char *const *words;
    bool is_file;
} kinds[] = {
    {"SERVER", .list = "servers", .member = "name"},
    {"SLOT", .list = "workers", .member = "slot"},
    {"LEVEL", .words = levels},
    {"FILE", .is_file = true},
    {"SOCKET", .is_file = true},
};

static void offer(const struct typing *typing, const char *word, const char *help)
{
    if (strncmp(word, typing->word, strlen(typing->word)) != 0)
        return;
    (void)printf("%.*s%s", typing->before_length, typing->before, word);
    (void)printf(help != NULL ? "\t%s\n" : "\n", help);
}

static void offer_member(const struct typing *typing, const json_t *value)
{
    char number[32];

    if (json_is_string(value))
        offer(typing, json_string_value(value), NULL);
    if (!json_is_integer(value))
        return;
    (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
    offer(typing, number, NULL);
}

/* SIGALRM ends us: there is nothing to be said then. */
static void offer_running(struct typing *typing, const struct kind *kind)
{
    json_t *answer;
    const json_t *list;

    (void)alarm(PATIENCE_S);
    answer = call_ask_for(&typing->call, COMMAND_STATUS);
    list = json_object_get(answer, kind->list);
    for (size_t i = 0; i < json_array_size(list); i++)
        offer_member(typing, json_object_get(json_array_get(list, i), kind->member));
    json_decref(answer);
}

static void offer_kind(struct typing *typing, const struct kind *kind)
{
    if (kind->is_file)
        (void)puts(":files");
    else if (kind->list != NULL)
        offer_running(typing, kind);
    for (size_t i = 0; kind->words != NULL && kind->words[i] != NULL; i++)
        offer(typing, kind->words[i], NULL);
}

/* "SLOT" is of a kind; "more" stands for itself; what is neither nobody knows. */
static void offer_value(struct typing *typing, const char *text, size_t length)
{
    char word[64];

    if (length >= sizeof(word))
        return;
    memcpy(word, text, length);
    word[length] = '\0';
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, word) == 0)
            offer_kind(typing, &kinds[i]);
    if (*word >= 'a' && *word <= 'z')
        offer(typing, word, NULL);
}

/* "N|more|less", "[SERVER]", "ID..." */
static void offer_values(struct typing *typing, const char *text)
{
    while (*text != '\0') {
        size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-");

        offer_value(typing, text, length);
        text += length;
        if (length == 0)
            text++;
    }
}

/* --- Options --- */

static void offer_option(const struct typing *typing, const char *name, const char *argument,
                         const char *help)
{
    char word[64];

    (void)snprintf(word, sizeof(word), "--%s%s", name, argument != NULL ? "=" : "");
    offer(typing, word, help);
}

static void offer_options(const struct typing *typing)
{
    const struct command_row *row = typing->call.row;

    for (size_t i = 0; i < HELP_OPTIONS; i++)
        offer_option(typing, help_options[i].name, help_options[i].argument, help_options[i].help);
    if (row == NULL || row->options == NULL)
        return;
    for (const struct command_option *option = row->options; option->name != NULL; option++)
        offer_option(typing, option->name, option->argument, option->help);
}

static const struct help_option *find_own(const char *word)
{
    size_t length = strcspn(word, "=");

    for (size_t i = 0; i < HELP_OPTIONS; i++) {
        const struct help_option *option = &help_options[i];

        if (word[1] == option->letter && word[2] == '\0')
            return option;
        if (length == strlen(option->name) + 2 && strncmp(word, "--", 2) == 0 &&
            strncmp(word + 2, option->name, length - 2) == 0)
            return option;
    }
    return NULL;
}

/* What the option's value is, "" for one that has none; NULL: there is no such option. */
static const char *argument_of(const struct typing *typing, const char *word)
{
    const struct help_option *own = find_own(word);
    const struct command_option *option = own == NULL && typing->call.row != NULL
                                              ? command_find_option(typing->call.row, word)
                                              : NULL;
    const char *argument = own != NULL ? own->argument : NULL;

    if (own == NULL && option == NULL)
        return NULL;
    if (option != NULL)
        argument = option->argument;
    return argument != NULL ? argument : "";
}

/* --- The words --- */

/* Where the master is. */
static void keep(struct typing *typing, const char *option, const char *value)
{
    const struct help_option *own = find_own(option);

    if (own != NULL && own->letter == 'c')
        typing->call.file = value;
    if (own != NULL && own->letter == 's')
        typing->call.socket = value;
}

static void read_option(struct typing *typing, char **words, size_t count, size_t *i)
{
    const char *argument = argument_of(typing, words[*i]);
    const char *value = strchr(words[*i], '=');

    if (argument == NULL || *argument == '\0')
        return;
    if (value != NULL) {
        keep(typing, words[*i], value + 1);
    } else if (*i + 1 < count) {
        keep(typing, words[*i], words[*i + 1]);
        ++*i;
    } else {
        typing->wanted = argument;
    }
}

static void read_words(struct typing *typing, char **words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (*words[i] == '-')
            read_option(typing, words, count, &i);
        else if (typing->word_count++ == 0)
            typing->call.row = command_find(words[i]);
    }
}

/* "--server=ch": what is typed is "ch", a value. */
static void read_last(struct typing *typing, const char *word)
{
    const char *value = strchr(word, '=');

    typing->word = word;
    typing->before = word;
    if (*word != '-' || value == NULL || typing->wanted != NULL)
        return;
    typing->wanted = argument_of(typing, word);
    typing->word = value + 1;
    typing->before_length = (int)(value + 1 - word);
}

static void offer_commands(const struct typing *typing)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        offer(typing, commands[i].name, commands[i].help);
}

void complete_print(char **words, size_t count)
{
    struct typing typing = {.call = {.json = true}};

    read_words(&typing, words, count > 0 ? count - 1 : 0);
    read_last(&typing, count > 0 ? words[count - 1] : "");
    if (typing.wanted != NULL)
        offer_values(&typing, typing.wanted);
    else if (*typing.word == '-')
        offer_options(&typing);
    else if (typing.word_count == 0)
        offer_commands(&typing);
    else if (typing.call.row != NULL && typing.word_count <= typing.call.row->most)
        offer_values(&typing, typing.call.row->arguments);
}
