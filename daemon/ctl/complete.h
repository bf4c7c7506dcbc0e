/* SPDX-License-Identifier: MIT
 *
 * What the last word of a command line may become: for the completion of bash and zsh, which only
 * ask and show.  Commands, options and their values come from the tables; servers and slots from
 * the prongd that runs.
 */
#ifndef PRONGCTL_COMPLETE_H
#define PRONGCTL_COMPLETE_H

#include <stddef.h>

/* `words`: what was typed behind "prongctl", the last one being the word that is typed.  Prints a
 * line for each word that it may become, with its help behind a tab; ":files" stands for names of
 * files.  Nothing when there is no such word, or prongd does not answer soon. */
void complete_print(char **words, size_t count);

#endif
