/* SPDX-License-Identifier: MIT
 *
 * Names and sentences for codes.
 */
#include <prong/error.h>

#include <stddef.h>
#include <string.h>

struct error_row {
    int code;
    const char *name;
    const char *text;
};

static const struct error_row rows[] = {
    {PRONG_ENOTFOUND, "PRONG_ENOTFOUND", "The name has no address"},
    {PRONG_ERESOLVE, "PRONG_ERESOLVE", "The name could not be resolved now"},
    {PRONG_EENDED, "PRONG_EENDED", "Write after end"},
    {PRONG_EDESTROYED, "PRONG_EDESTROYED", "The socket is closing or closed"},
    {PRONG_EBEFORECONNECT, "PRONG_EBEFORECONNECT", "The socket was closed before it was connected"},
    {PRONG_EBLOCKED, "PRONG_EBLOCKED", "The address is blocked"},
    {PRONG_EMOVED, "PRONG_EMOVED", "The socket was detached"},
};

static const struct error_row *find(int code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return NULL;
}

const char *prong_error_text(int code)
{
    const struct error_row *row = find(code);
    const char *text;

    if (row != NULL)
        return row->text;
    if (code == 0)
        return "No error";
    text = code < 0 && code > -4096 ? strerrordesc_np(-code) : NULL;
    return text != NULL ? text : "Unknown error";
}

const char *prong_error_name(int code)
{
    const struct error_row *row = find(code);
    const char *name;

    if (row != NULL)
        return row->name;
    name = code <= 0 && code > -4096 ? strerrorname_np(-code) : NULL;
    return name != NULL ? name : "UNKNOWN";
}
