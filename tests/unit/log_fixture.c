/* SPDX-License-Identifier: MIT
 *
 * What the tests of the log share.
 */
#include "log_fixture.h"

#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static char folder[64];
char log_fixture_file[96];

int log_fixture_open(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), P_tmpdir "/test_log.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(log_fixture_file, sizeof(log_fixture_file), "%s/log", folder);
    return 0;
}

int log_fixture_remove(void **state)
{
    (void)state;
    log_close();
    log_set_role("prongd", 0, -1);
    log_set_format(LOG_FORMAT_TEXT);
    (void)unlink(log_fixture_file);
    return rmdir(folder);
}

const char *content_of(const char *path)
{
    static char bytes[65536];
    int fd = open(path, O_RDONLY);
    ssize_t size;

    assert_true(fd >= 0);
    size = read(fd, bytes, sizeof(bytes) - 1);
    assert_true(size >= 0);
    (void)close(fd);
    bytes[size] = '\0';
    return bytes;
}

unsigned lines_of(const char *text)
{
    unsigned lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

void assert_matches(const char *text, const char *pattern)
{
    regex_t expression;

    assert_int_equal(regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&expression, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" does not match %s", text, pattern);
    regfree(&expression);
}
