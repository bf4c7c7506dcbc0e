/* SPDX-License-Identifier: MIT
 *
 * Keepers that do not come back from the start of a program as long as the file $PRONG_STALL
 * exists, as when the program lies on a file system that has gone.
 */
#include "spawn.h"

#include <stdlib.h>
#include <unistd.h>

#define LOOK_AGAIN_US 5000

/* The linker puts ours in front of the real one. */
pid_t __real_spawn_program(struct spawn *spawn);
pid_t __wrap_spawn_program(struct spawn *spawn);

pid_t __wrap_spawn_program(struct spawn *spawn)
{
    const char *file = getenv("PRONG_STALL");

    while (file != NULL && access(file, F_OK) == 0)
        usleep(LOOK_AGAIN_US);
    return __real_spawn_program(spawn);
}
