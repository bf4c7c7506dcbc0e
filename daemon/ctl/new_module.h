/* SPDX-License-Identifier: MIT
 *
 * `prongctl new-module`: a project of a module, from the installed template.
 */
#ifndef PRONGD_NEW_MODULE_H
#define PRONGD_NEW_MODULE_H

/* Makes the directory `name` below the current one.  The exit status; what is wrong, or what to do
 * next, has been printed. */
int new_module_make(const char *name);

#endif
