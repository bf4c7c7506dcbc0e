/* SPDX-License-Identifier: MIT
 *
 * A mode is one kind of load.  Later ones add a file and a row in main.c.
 */
#ifndef BENCH_MODE_H
#define BENCH_MODE_H

struct clients;

struct mode {
    const char *name;
    const char *help;
    void (*run)(struct clients *clients);
};

extern const struct mode echo_mode;
extern const struct mode connect_mode;
extern const struct mode idle_mode;
extern const struct mode short_mode;
extern const struct mode arrive_mode;
extern const struct mode upload_mode;
extern const struct mode exchange_mode;

/* Tells the bench, on standard output, that a state is reached in which nothing goes on (it reads
 * the clocks and the memory of the servers then), and waits for a line on standard input.  At the
 * end of the input there is nobody to wait for. */
void mode_pause(const char *phase);

/* Tells what was measured since clients_measure(); main() does it for every mode at its end. */
void mode_report(const struct clients *clients, const char *name);

#endif
