/* SPDX-License-Identifier: MIT
 *
 * Copies the template, with the module's name in place of @NAME@.
 */
#include "new_module.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2

#define TEMPLATE    PRONGD_DATA_DIRECTORY "/module"
#define PLACEHOLDER "@NAME@"
#define MAX_NAME    40

static const struct {
    const char *from;
    const char *to; /* NULL: the module's name with .c */
    mode_t mode;
} files[] = {
    {"CMakeLists.txt", "CMakeLists.txt", 0666},
    {"NAME.c", NULL, 0666},
    {"test.py", "test.py", 0777},
};

/* CMake keeps these for itself. */
static const char *const reserved[] = {"all", "clean", "help", "install", "package", "test"};

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0)
            return false;
    }
    return length > 0 && length <= MAX_NAME && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static int complain(const char *path)
{
    (void)fprintf(stderr, "prongctl: %s: %s\n", path, strerror(errno));
    return EXIT_FAILURE;
}

static void write_line(FILE *to, const char *line, const char *name)
{
    const char *found;

    while ((found = strstr(line, PLACEHOLDER)) != NULL) {
        (void)fwrite(line, 1, (size_t)(found - line), to);
        (void)fputs(name, to);
        line = found + strlen(PLACEHOLDER);
    }
    (void)fputs(line, to);
}

/* Nothing that is there is overwritten. */
static FILE *create(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (file == NULL && fd >= 0)
        (void)close(fd);
    return file;
}

static int copy(const char *from, const char *to, mode_t mode, const char *name)
{
    FILE *source = fopen(from, "re"), *target;
    char *line = NULL;
    size_t size = 0;
    bool is_good;

    if (source == NULL)
        return complain(from);
    target = create(to, mode);
    while (target != NULL && getline(&line, &size, source) >= 0)
        write_line(target, line, name);
    free(line);
    is_good = target != NULL && !ferror(source) && !ferror(target);
    if (target != NULL && fclose(target) != 0)
        is_good = false;
    (void)fclose(source);
    return is_good ? EXIT_SUCCESS : complain(to);
}

static int copy_file(size_t index, const char *name)
{
    char from[PATH_MAX], to[2 * MAX_NAME + 32];

    (void)snprintf(from, sizeof(from), "%s/%s", TEMPLATE, files[index].from);
    if (files[index].to != NULL)
        (void)snprintf(to, sizeof(to), "%s/%s", name, files[index].to);
    else
        (void)snprintf(to, sizeof(to), "%s/%s.c", name, name);
    return copy(from, to, files[index].mode, name);
}

int new_module_make(const char *name)
{
    int status = EXIT_SUCCESS;

    if (!is_name(name)) {
        (void)fprintf(stderr,
                      "prongctl: \"%s\" cannot be a module's name: write at most %d small letters, "
                      "digits and \"_\", a letter first, and no word that CMake keeps for itself\n",
                      name, MAX_NAME);
        return EXIT_USAGE;
    }
    if (access(TEMPLATE, R_OK | X_OK) < 0)
        return complain(TEMPLATE);
    if (mkdir(name, 0777) < 0)
        return complain(name);
    for (size_t i = 0; status == EXIT_SUCCESS && i < sizeof(files) / sizeof(files[0]); i++)
        status = copy_file(i, name);
    if (status == EXIT_SUCCESS)
        (void)printf("%s/ holds a module that answers every line with its number.  Build and test "
                     "it:\n\n"
                     "    cd %s\n"
                     "    cmake -B build && cmake --build build && ctest --test-dir build\n",
                     name, name);
    return status;
}
