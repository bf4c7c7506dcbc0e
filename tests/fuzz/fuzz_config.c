/* SPDX-License-Identifier: MIT
 *
 * Configuration files: any bytes give a configuration, which can be written and read again, or a
 * list of problems.
 */
#include <assert.h>
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result);

/* Instead of the resolver: names must not leave this machine. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result)
{
    (void)host;
    (void)service;
    (void)hints;
    (void)result;
    return EAI_NONAME;
}

/* Takes `config`; to be freed. */
static char *dump(struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    assert(stream != NULL);
    config_dump(config, stream);
    assert(fclose(stream) == 0);
    config_free(config);
    return text;
}

/* Takes `text`; what it gives when it is loaded and written, to be freed. */
static char *load_and_dump(char *text)
{
    struct config_problems problems;
    struct config *config = config_from_bytes(text, strlen(text), &problems);

    if (config == NULL)
        fprintf(stderr, "%s", problems.text);
    assert(config != NULL);
    free(text);
    return dump(config);
}

static void check_problems(const struct config_problems *problems)
{
    size_t length;

    assert(problems->count > 0 && problems->text != NULL && !problems->system);
    length = strlen(problems->text);
    assert(length > 0 && problems->text[length - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config_problems problems;
    struct config *config = config_from_bytes((const char *)bytes, size, &problems);
    char *first;
    char *second;

    if (config == NULL) {
        check_problems(&problems);
        config_problems_clear(&problems);
        return 0;
    }
    /* The origins of the first are in these bytes, those of the others in a dump. */
    first = load_and_dump(dump(config));
    second = load_and_dump(strdup(first));
    assert(strcmp(first, second) == 0);
    free(first);
    free(second);
    return 0;
}
