/* SPDX-License-Identifier: MIT
 *
 * The terminal as a screen that is painted anew, and given back as it was: at the end, and when a
 * signal ends the program.
 */
#ifndef PRONGCTL_SCREEN_H
#define PRONGCTL_SCREEN_H

#include <stddef.h>

/* Keys come one by one and are not shown; the text before is kept aside.  0, or -errno: standard
 * input or output is no terminal. */
int screen_open(void);

/* Paints lines from the top, cut to the terminal's width and height. */
void screen_paint(const char *text);

/* Lines of the terminal. */
unsigned screen_height(void);

/* Waits for a key for so long.  The key; 0: none came; -1: the terminal has another size now;
 * -2: nobody is there any more. */
int screen_key(int timeout_ms);

/* Harmless when it is not open. */
void screen_close(void);

#endif
