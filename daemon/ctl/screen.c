/* SPDX-License-Identifier: MIT
 *
 * Escape sequences that every terminal of today knows, and termios.
 */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

static struct termios before;
static sigset_t while_waiting; /* signals that are blocked then */
static volatile sig_atomic_t is_open;

/* --- Giving it back --- */

static void give_back(void)
{
    if (!is_open)
        return;
    is_open = 0;
    if (write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1) < 0)
        return; /* nobody sees it */
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* Only what a signal handler may call. */
static void on_end(int number)
{
    give_back();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* It interrupts ppoll(), and comes there only. */
static void on_resize(int number)
{
    (void)number;
}

static void set_signals(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    struct sigaction action = {.sa_handler = on_end};
    sigset_t resize;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        (void)sigaction(ends[i], &action, NULL);
    action.sa_handler = on_resize;
    (void)sigaction(SIGWINCH, &action, NULL);
    (void)sigemptyset(&resize);
    (void)sigaddset(&resize, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &resize, &while_waiting);
    action.sa_handler = SIG_IGN; /* a stopped program would leave the screen to the shell */
    (void)sigaction(SIGTSTP, &action, NULL);
}

int screen_open(void)
{
    struct termios raw;

    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
        return -errno;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    set_signals();
    is_open = 1;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    (void)fputs(ENTER, stdout);
    (void)fflush(stdout);
    return 0;
}

void screen_close(void)
{
    (void)fflush(stdout);
    give_back();
}

/* --- Painting --- */

static struct winsize size_now(void)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    return size;
}

unsigned screen_height(void)
{
    return size_now().ws_row;
}

/* Bytes of the first `columns` characters of UTF-8. */
static size_t cut(const char *line, size_t length, unsigned columns)
{
    size_t at = 0;

    while (at < length) {
        if (((unsigned char)line[at] & 0xc0) != 0x80 && columns-- == 0)
            break;
        at++;
    }
    return at;
}

void screen_paint(const char *text)
{
    struct winsize size = size_now();

    (void)fputs("\033[H", stdout);
    for (unsigned row = 0; row < size.ws_row; row++) {
        size_t length = strcspn(text, "\n");

        (void)fwrite(text, 1, cut(text, length, size.ws_col), stdout);
        (void)fputs(row + 1 < size.ws_row ? "\033[K\r\n" : "\033[K", stdout);
        text += length + (text[length] == '\n');
    }
    (void)fflush(stdout);
}

/* --- Keys --- */

int screen_key(int timeout_ms)
{
    struct pollfd entry = {.fd = STDIN_FILENO, .events = POLLIN};
    const struct timespec limit = {.tv_sec = timeout_ms / 1000,
                                   .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    int ready = ppoll(&entry, 1, &limit, &while_waiting);
    unsigned char key;

    if (ready < 0)
        return errno == EINTR ? -1 : -2;
    if (ready == 0)
        return 0;
    return read(STDIN_FILENO, &key, 1) == 1 ? key : -2;
}
