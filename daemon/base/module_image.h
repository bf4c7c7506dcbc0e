/* SPDX-License-Identifier: MIT
 *
 * A module's file as it was at one moment: a copy in memory, which nobody can change.
 *
 * Workers that start later run the very code that was checked, whatever has become of the file.
 */
#ifndef PRONGD_MODULE_IMAGE_H
#define PRONGD_MODULE_IMAGE_H

#include <stddef.h>

/* A sealed memfd with the file's bytes, given.  -errno with one sentence in `problem`. */
int module_image_open(const char *path, char *problem, size_t size);

#endif
