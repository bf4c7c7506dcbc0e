/* SPDX-License-Identifier: MIT
 *
 * What roff would take for its own.
 */
#include "roff.h"

void roff_text(FILE *stream, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stream);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", stream);
        else if (*text == '-')
            fputs("\\-", stream);
        else
            fputc(*text, stream);
    }
}

void roff_sentence(FILE *stream, const char *text)
{
    roff_text(stream, text);
    fputc('\n', stream);
}
