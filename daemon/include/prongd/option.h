/* SPDX-License-Identifier: MIT
 *
 * What an option is: one row, from which everything else is derived: parsing, limits,
 * defaults, error texts, `-T`, the sample file, the manual page, the plan of a reload.
 *
 * A row names the member of a struct that it fills.  The macros check at compile time that
 * the member has the C type of the row:
 *
 *     static const struct prongd_option options[] = {
 *         {PRONGD_DURATION(struct chat, idle_ms), .name = "idle", .fallback = "5m",
 *          .least = 1000, .most = 86400000, .help = "Idle users are sent away after this."},
 *     };
 */
#ifndef PRONGD_OPTION_H
#define PRONGD_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum prongd_option_type {
    PRONGD_TYPE_BOOLEAN,  /* bool: yes/no, on/off, true/false */
    PRONGD_TYPE_COUNT,    /* uint64_t: a plain number */
    PRONGD_TYPE_SIZE,     /* uint64_t, bytes: 512, 64k, 1m, 2g */
    PRONGD_TYPE_DURATION, /* uint64_t, milliseconds: 250ms, 30s, 5m, 2h, 1d */
    PRONGD_TYPE_MODE,     /* uint64_t, octal: 0660 */
    PRONGD_TYPE_CHOICE,   /* int: index into `choices` */
    PRONGD_TYPE_TEXT,     /* char *, malloc'ed; NULL when empty */
    PRONGD_TYPE_LIST      /* struct prongd_list: adds up over commas, lines, repetition */
};

/* The items of a list option, in the order of the file. */
struct prongd_list {
    char **items;
    size_t count;
};

/* What a reload may do with a changed value. */
enum prongd_option_change {
    PRONGD_CHANGE_NEW_WORKERS, /* the next generation has it */
    PRONGD_CHANGE_LIVE,        /* old workers that still drain take it too */
    PRONGD_CHANGE_RESTART      /* refused by a reload, by name */
};

/* Is `value` allowed?  Called once for a value (for a list: for each item).  0, or -EINVAL
 * and one sentence in `problem` that says what is wrong and what is allowed. */
typedef int prongd_check(const char *value, char *problem, size_t size);

struct prongd_option {
    enum prongd_option_type type;
    size_t offset;              /* of the member in the struct that the rows fill */
    const char *section;        /* "prongd" or "server"; NULL in a handler's rows: "server" */
    const char *name;           /* snake_case */
    const char *fallback;       /* the default as it would stand in the file; NULL: none */
    uint64_t least, most;       /* limits of numbers, both allowed; most 0: no upper limit */
    const char *const *choices; /* of a CHOICE, ends with NULL */
    prongd_check *check;        /* or NULL */
    enum prongd_option_change change;
    const char *example; /* a value to show in the sample file where there is no default */
    const char *help;    /* one sentence for a person who has never seen the program */
};

/* Fails to compile when the member is of another type than the row. */
#define PRONGD_MEMBER(kind, type, container, member)                                 \
    (kind), offsetof(container, member) +                                            \
                0 * sizeof(char[_Generic(((container *)0)->member, type : 1, default \
                                         : -1)])

#define PRONGD_BOOLEAN(container, member) \
    PRONGD_MEMBER(PRONGD_TYPE_BOOLEAN, bool, container, member)
#define PRONGD_COUNT(container, member) \
    PRONGD_MEMBER(PRONGD_TYPE_COUNT, uint64_t, container, member)
#define PRONGD_SIZE(container, member) PRONGD_MEMBER(PRONGD_TYPE_SIZE, uint64_t, container, member)
#define PRONGD_DURATION(container, member) \
    PRONGD_MEMBER(PRONGD_TYPE_DURATION, uint64_t, container, member)
#define PRONGD_MODE(container, member)   PRONGD_MEMBER(PRONGD_TYPE_MODE, uint64_t, container, member)
#define PRONGD_CHOICE(container, member) PRONGD_MEMBER(PRONGD_TYPE_CHOICE, int, container, member)
#define PRONGD_TEXT(container, member)   PRONGD_MEMBER(PRONGD_TYPE_TEXT, char *, container, member)
#define PRONGD_LIST(container, member) \
    PRONGD_MEMBER(PRONGD_TYPE_LIST, struct prongd_list, container, member)

#endif
