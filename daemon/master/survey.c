/* SPDX-License-Identifier: MIT
 *
 * Asking everybody, waiting for nobody.
 */
#include "survey.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "generation.h"
#include "ipc.h"
#include "keeper_process.h"
#include "keepers.h"
#include "slot.h"

#define LIMIT_S 5.0

/* --- Life --- */

static void survey_free(struct survey *survey)
{
    struct survey **link = &survey->surveys->first;

    while (*link != survey)
        link = &(*link)->next;
    *link = survey->next;
    ev_timer_stop(survey->surveys->loop, &survey->limit);
    for (size_t i = 0; i < survey->part_count; i++) {
        if (survey->parts[i].fd >= 0)
            close(survey->parts[i].fd);
    }
    if (survey->fd >= 0)
        close(survey->fd);
    free(survey->parts);
    free(survey->asked);
    free(survey->found);
    free(survey);
}

static void conclude(struct survey *survey)
{
    for (size_t i = 0; i < survey->part_count; i++) {
        if (survey->parts[i].state == SURVEY_PART_AWAITED)
            return;
    }
    survey->answer(survey);
    survey_free(survey);
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct survey *survey = timer->data;

    (void)loop;
    (void)revents;
    for (size_t i = 0; i < survey->part_count; i++) {
        if (survey->parts[i].state == SURVEY_PART_AWAITED)
            survey->parts[i].state = SURVEY_PART_FAILED;
    }
    conclude(survey);
}

void survey_clear(struct surveys *surveys, const char *why)
{
    while (surveys->first != NULL) {
        if (why != NULL && surveys->first->client != NULL)
            control_answer(surveys->first->client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
                                                             why, "exit", EXIT_FAILURE));
        survey_free(surveys->first);
    }
}

/* --- Asking --- */

/* Who cannot take it is not waited for; one that is dead has nothing to tell any more. */
static void ask(struct survey *survey, const struct survey_question *question, struct ipc *ipc,
                const struct survey_part *who)
{
    struct survey_part *part = &survey->parts[survey->part_count++];
    int error = ipc_send(ipc, question->message, question->payload, question->payload_size,
                         question->pass, question->pass != NULL ? 1 : 0);

    *part = *who;
    part->fd = -1;
    if (error < 0)
        part->state = error == -EPIPE ? SURVEY_PART_GONE : SURVEY_PART_FAILED;
}

static void ask_workers(struct survey *survey, const struct survey_question *question)
{
    for (const struct generation *generation = survey->surveys->generations->first;
         generation != NULL; generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++) {
            const struct slot *slot = &generation->slots[i];
            const struct survey_part who = {.teller = slot,
                                            .generation = generation->number,
                                            .slot = slot->index,
                                            .pid = slot->pid};

            if (slot->ipc != NULL && slot->pid != 0)
                ask(survey, question, slot->ipc, &who);
        }
    }
}

struct asking {
    struct survey *survey;
    const struct survey_question *question;
};

static void ask_keeper(const struct keeper_process *process, void *user)
{
    const struct asking *asking = user;
    struct survey_part who = {.teller = process, .is_keeper = true, .pid = process->pid, .fd = -1};

    if (process->ipc == NULL)
        return;
    if (process->pulse.state != PULSE_SILENT) {
        ask(asking->survey, asking->question, process->ipc, &who);
        return;
    }
    /* One that hangs would be waited for in vain. */
    who.state = SURVEY_PART_FAILED;
    asking->survey->parts[asking->survey->part_count++] = who;
}

static void ask_all(struct survey *survey, const struct survey_question *question)
{
    struct asking asking = {.survey = survey, .question = question};

    memcpy(question->payload, &survey->ticket, sizeof(survey->ticket));
    ask_workers(survey, question);
    if (question->asks_keepers)
        keepers_visit(survey->surveys->keepers, ask_keeper, &asking);
}

static void count(const struct keeper_process *process, void *user)
{
    (void)process;
    ++*(size_t *)user;
}

static size_t count_all(const struct surveys *surveys)
{
    size_t sum = 0;

    for (const struct generation *generation = surveys->generations->first; generation != NULL;
         generation = generation->next)
        sum += generation->slot_count;
    keepers_visit(surveys->keepers, count, &sum);
    return sum;
}

static struct survey *survey_new(struct surveys *surveys, const struct survey_question *question,
                                 struct control_client *client)
{
    struct survey *survey = calloc(1, sizeof(*survey));

    if (survey == NULL)
        return NULL;
    survey->fd = -1;
    survey->surveys = surveys;
    survey->next = surveys->first;
    surveys->first = survey;
    survey->client = client;
    survey->answer = question->answer;
    survey->user = question->user;
    survey->ticket = ++surveys->last_ticket;
    ev_timer_init(&survey->limit, on_limit, LIMIT_S, 0.);
    survey->limit.data = survey;
    survey->parts = calloc(count_all(surveys) + 1, sizeof(*survey->parts));
    survey->asked = calloc(question->id_count + 1, sizeof(*survey->asked));
    survey->found = calloc(question->id_count + 1, sizeof(*survey->found));
    if (survey->parts != NULL && survey->asked != NULL && survey->found != NULL)
        return survey;
    survey_free(survey);
    return NULL;
}

void survey_start(struct surveys *surveys, const struct survey_question *question,
                  struct control_client *client)
{
    struct survey *survey = survey_new(surveys, question, client);

    if (survey == NULL) {
        if (question->keep != NULL)
            close(*question->keep);
        if (client != NULL)
            control_answer(client, NULL);
        return;
    }
    if (question->keep != NULL)
        survey->fd = *question->keep;
    survey->number = question->number;
    survey->asked_count = question->id_count;
    for (size_t i = 0; i < question->id_count; i++)
        survey->asked[i] = question->ids[i];
    ask_all(survey, question);
    ev_timer_start(surveys->loop, &survey->limit);
    conclude(survey);
}

/* --- What is told --- */

static struct survey *find(const struct surveys *surveys, uint64_t ticket)
{
    struct survey *survey = surveys->first;

    while (survey != NULL && survey->ticket != ticket)
        survey = survey->next;
    return survey;
}

static struct survey_part *find_part(const struct survey *survey, const void *teller)
{
    for (size_t i = 0; i < survey->part_count; i++) {
        struct survey_part *part = &survey->parts[i];

        if (part->state == SURVEY_PART_AWAITED && part->teller == teller)
            return part;
    }
    return NULL;
}

/* Nobody finds more than was asked for: a connection that moves may be found twice. */
static void note_found(struct survey *survey, const struct ipc_frame *frame)
{
    const struct message_told *told = frame->payload;
    size_t count = (frame->size - sizeof(*told)) / sizeof(told->ids[0]);

    for (size_t i = 0; i < count && survey->found_count < survey->asked_count; i++)
        memcpy(&survey->found[survey->found_count++], &told->ids[i], sizeof(told->ids[0]));
}

void survey_on_told(struct surveys *surveys, const void *teller, const struct ipc_frame *frame)
{
    struct message_told told;
    struct survey_part *part;
    struct survey *survey;

    if (frame->size < sizeof(told))
        return;
    memcpy(&told, frame->payload, sizeof(told));
    survey = find(surveys, told.ticket);
    part = survey != NULL ? find_part(survey, teller) : NULL;
    if (part == NULL)
        return; /* it comes too late */
    part->error = (int)told.error;
    part->state = told.error == 0 ? SURVEY_PART_TOLD : SURVEY_PART_FAILED;
    if (frame->fd_count == 1)
        part->fd = fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0);
    note_found(survey, frame);
    conclude(survey);
}

void survey_on_lost(struct surveys *surveys, const void *teller)
{
    struct survey *next;

    for (struct survey *survey = surveys->first; survey != NULL; survey = next) {
        struct survey_part *part = find_part(survey, teller);

        next = survey->next;
        if (part == NULL)
            continue;
        part->state = SURVEY_PART_GONE;
        conclude(survey);
    }
}
