/* SPDX-License-Identifier: MIT
 *
 * Finding the program's own file.
 */
#include "program.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int program_find(struct program *program, char **arguments, const char *config_file)
{
    ssize_t length = readlink("/proc/self/exe", program->path, sizeof(program->path) - 1);

    program->arguments = arguments;
    program->config_file = config_file;
    program->estate = -1;
    if (length < 0)
        return -errno;
    program->path[length] = '\0';
    return 0;
}
