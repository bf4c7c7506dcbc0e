/* SPDX-License-Identifier: MIT
 *
 * The option rows of exec.
 */
#ifndef PRONGD_EXEC_ROWS_H
#define PRONGD_EXEC_ROWS_H

#include <prongd/option.h>

#define EXEC_ROWS 19

/* They fill a struct exec_options. */
extern const struct prongd_option exec_rows[EXEC_ROWS];

#endif
