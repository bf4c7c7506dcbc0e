/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
    const char *name;
    const char *meaning;
};

static const struct row rows[FAULT_COUNT] = {
#define FAULT(name, meaning) {#name, meaning},
    FAULTS(FAULT)
#undef FAULT
};

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void report_clear(struct report *report)
{
    if (report->gone != NULL)
        fclose(report->gone);
    free(report->gone_text);
    report->gone = NULL;
    report->gone_text = NULL;
}

void report_begin(struct report *report)
{
    report_clear(report);
    histogram_clear(&report->echoes);
    histogram_clear(&report->shorts);
    report->bytes = 0;
    report->late_ns = 0;
    memset(report->faults, 0, sizeof(report->faults));
    report->first_fault[0] = '\0';
    report->since_ns = now_ns();
}

static void note_name(struct report *report, const char *name)
{
    const char *comma = ", ";

    if (report->gone == NULL) {
        report->gone = open_memstream(&report->gone_text, &report->gone_size);
        comma = "";
    }
    if (report->gone == NULL)
        abort();
    fprintf(report->gone, "%s\"%s\"", comma, name);
}

void report_fault(struct report *report, enum fault fault, const char *name, int error,
                  uint64_t position)
{
    report->faults[fault]++;
    if (report->first_fault[0] == '\0')
        snprintf(report->first_fault, sizeof(report->first_fault),
                 "%s%s%s; connection %s, after %" PRIu64 " bytes", rows[fault].meaning,
                 error != 0 ? ": " : "", error != 0 ? strerror(error) : "",
                 name[0] != '\0' ? name : "(short)", position);
    if (name[0] != '\0')
        note_name(report, name);
}

static void print_times(const char *name, const struct histogram *times)
{
    printf("\"%s\": {\"count\": %" PRIu64 ", \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"max_us\": %.1f}, ",
           name, times->count, (double)histogram_quantile(times, 0.5) / 1e3,
           (double)histogram_quantile(times, 0.99) / 1e3, (double)times->most_ns / 1e3);
}

void report_print(struct report *report, const char *command, unsigned open)
{
    printf("{\"command\": \"%s\", \"seconds\": %.6f, \"open\": %u, \"bytes\": %" PRIu64
           ", \"late_us\": %.1f, ",
           command, (double)(now_ns() - report->since_ns) / 1e9, open, report->bytes,
           (double)report->late_ns / 1e3);
    print_times("echoes", &report->echoes);
    print_times("shorts", &report->shorts);
    printf("\"faults\": {");
    for (size_t i = 0; i < FAULT_COUNT; i++)
        printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", rows[i].name, report->faults[i]);
    if (report->gone != NULL)
        fflush(report->gone);
    printf("}, \"first_fault\": \"%s\", \"gone\": [%s]}\n", report->first_fault,
           report->gone != NULL ? report->gone_text : "");
    fflush(stdout);
    report_begin(report);
}
