/* SPDX-License-Identifier: MIT
 *
 * A module's code in this process: in a worker, or in the child that reads a module's rows.
 *
 * The master never calls this.
 */
#ifndef PRONGD_MODULE_CODE_H
#define PRONGD_MODULE_CODE_H

#include <prongd/handler.h>

/* Empty when zeroed. */
struct module_code {
    struct prongd_handler handler; /* with all members of this program's interface */
    struct prongd_option *options; /* likewise; the handler points to them */
};

/* Loads it from its image, which is borrowed for the call, and checks what it exports.  The code
 * stays loaded until the process ends.
 * 0, or -EINVAL or -ENOMEM with one sentence in `problem`. */
int module_code_load(struct module_code *code, int image, char *problem, size_t size);

/* What the program keeps about it; not the code itself. */
void module_code_clear(struct module_code *code);

#endif
