/* SPDX-License-Identifier: MIT
 *
 * Commands: whatever stands in the file, words or one sentence.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Each byte of each word came from the text. */
static void check(char **words, size_t size)
{
    size_t count = 0, length = 0;

    for (; words[count] != NULL; count++)
        length += strlen(words[count]);
    if (count == 0 || length > size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    char problem[256] = "";
    char **words;

    if (text == NULL)
        return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    words = words_split(text, problem, sizeof(problem));
    if (words != NULL)
        check(words, size);
    else if (problem[0] == '\0')
        abort();
    free(words);
    free(text);
    return 0;
}
