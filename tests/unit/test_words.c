/* SPDX-License-Identifier: MIT
 *
 * A command as words.
 */
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char problem[256];

/* The words with a bar between them. */
static const char *joined(const char *text)
{
    static char line[512];
    char **words = words_split(text, problem, sizeof(problem));
    size_t used = 0;

    if (words == NULL)
        return problem;
    for (size_t i = 0; words[i] != NULL; i++)
        used +=
            (size_t)snprintf(line + used, sizeof(line) - used, "%s%s", i > 0 ? "|" : "", words[i]);
    free(words);
    return line;
}

static void words_are_cut_as_a_shell_cuts_them(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"/bin/cat", "/bin/cat"},
        {"  /bin/cat \t -n  ", "/bin/cat|-n"},
        {"a b c d e", "a|b|c|d|e"},
        {"/bin/echo 'two  words'", "/bin/echo|two  words"},
        {"/bin/echo \"two  words\"", "/bin/echo|two  words"},
        {"a'b c'd\"e f\"g", "ab cde fg"},
        {"a '' \"\" b", "a|||b"},
        {"''", ""},
        {"a \\  b", "a| |b"},
        {"a \\\\ \\\" \\'", "a|\\|\"|'"},
        {"\"a \\\" \\\\ \\n\"", "a \" \\ \\n"},
        {"'a \\'", "a \\"},
        {"sh -c 'x | y > z; $A `b` & <c'", "sh|-c|x | y > z; $A `b` & <c"},
        {"sh -c \"x | y\"", "sh|-c|x | y"},
        {"a \\| \\$b", "a|||$b"},
        {"a ~ * ? # ! [x] {y} = %", "a|~|*|?|#|!|[x]|{y}|=|%"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(joined(cases[i].text), cases[i].words);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "a program is missing"},
        {"  \t ", "a program is missing"},
        {"a 'b", "character 3: this quote is not closed"},
        {"a b\"", "character 4: this quote is not closed"},
        {"a \"b\\\"", "character 3: this quote is not closed"},
        {"a \"b\\", "character 3: this quote is not closed"},
        {"a b\\", "character 4: a backslash keeps the next character, and there is none"},
        {"a | b", "character 3: there is no shell"},
        {"a;b", "character 2: there is no shell"},
        {"a > b", "character 3: there is no shell"},
        {"a $HOME", "character 3: there is no shell"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(words_split(cases[i].text, problem, sizeof(problem)));
        assert_memory_equal(problem, cases[i].sentence, strlen(cases[i].sentence));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_as_a_shell_cuts_them),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
