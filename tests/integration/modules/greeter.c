/* SPDX-License-Identifier: MIT
 *
 * A module that uses the whole interface: greets, counts lines over moves, and answers from a
 * thread.
 *
 * VERSION, ABI and SIZE are set by the tests that want another one.
 */
#include <errno.h>
#include <prong/timer.h>
#include <prongd/handler.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION "1"
#endif
#ifndef ABI
#define ABI PRONGD_HANDLER_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct prongd_handler)
#endif

struct config {
    char *greeting;
    struct prongd_list words;
    uint64_t repeats;
    int mood;
    bool loud;
    size_t length; /* of the greeting: what configure adds */
};

static const char *const moods[] = {"glad", "sad", NULL};

static int check_word(const char *value, char *problem, size_t size)
{
    if (strlen(value) <= 5)
        return 0;
    snprintf(problem, size, "\"%s\" is too long: a word has at most 5 letters", value);
    return -EINVAL;
}

static const struct prongd_option options[] = {
    {PRONGD_TEXT(struct config, greeting), .name = "greeting", .fallback = "hello",
     .help = "What is said."},
    {PRONGD_LIST(struct config, words), .name = "words", .fallback = "one, two",
     .check = check_word, .help = "Which words are known."},
    {PRONGD_COUNT(struct config, repeats), .name = "repeats", .fallback = "1", .least = 1,
     .most = 9, .help = "How often it is said."},
    {PRONGD_CHOICE(struct config, mood), .name = "mood", .fallback = "glad", .choices = moods,
     .help = "How it is said."},
    {PRONGD_BOOLEAN(struct config, loud), .name = "loud", .fallback = "no",
     .help = "Whether it is loud."},
};

enum { LINES, GREETINGS };

/* REORDERED: as in code that came later. */
#ifdef REORDERED
static const struct prongd_counter counters[] = {{"shouts", "Lines in capitals."},
                                                 {"greetings", "Clients that were greeted."},
                                                 {"lines", "Lines that came."}};
#define COUNTER(number) (2 - (number))
#else
static const struct prongd_counter counters[] = {
    [LINES] = {"lines", "Lines that came."},
    [GREETINGS] = {"greetings", "Clients that were greeted."}};
#define COUNTER(number) (number)
#endif

struct state {
    uint32_t lines;
};

/* What a worker has for each server. */
struct place {
    struct prongd_service *service;
    struct prong_timer *timer;
    unsigned ticks;
    pthread_t thread;
};

static int configure(void *bytes, const char *server, char *problem, size_t size)
{
    struct config *config = bytes;

    (void)server;
    config->length = strlen(config->greeting);
    if (strcmp(config->greeting, "refused") != 0)
        return 0;
    snprintf(problem, size, "nobody says \"refused\"");
    return -EINVAL;
}

static void on_tick(struct prong_timer *timer, void *user)
{
    struct place *place = user;

    (void)timer;
    place->ticks++;
}

static void say_posted(void *argument)
{
    prongd_service_log(((struct place *)argument)->service, PRONGD_LOG_NOTICE, "posted");
}

static void *run_thread(void *argument)
{
    struct place *place = argument;

    prongd_post(place->service, say_posted, place);
    return NULL;
}

static int start(struct prongd_service *service)
{
    struct place *place = calloc(1, sizeof(*place));

    if (place == NULL)
        return -ENOMEM;
    place->service = service;
    place->timer = prong_timer_new(prongd_loop(service), on_tick, place);
    prong_timer_start(place->timer, 1, 10);
    pthread_create(&place->thread, NULL, run_thread, place);
    prongd_service_set_user(service, place);
    return 0;
}

static void stop(struct prongd_service *service)
{
    struct place *place = prongd_service_user(service);

    pthread_join(place->thread, NULL);
    prong_timer_free(place->timer);
    prongd_service_log(service, PRONGD_LOG_NOTICE, "stopped ticks=%s",
                       place->ticks > 0 ? "some" : "none");
    free(place);
}

static void on_connection(struct prong_socket *socket)
{
    const struct config *config = prongd_config(socket);
    char text[256];
    int length = snprintf(text, sizeof(text), "%s " VERSION " %s %zu %s\n", config->greeting,
                          moods[config->mood], config->words.count, config->loud ? "loud" : "low");

    for (uint64_t i = 0; i < config->repeats; i++)
        prong_socket_write(socket, text, (size_t)length);
    prongd_count(prongd_service(socket), COUNTER(GREETINGS), 1);
    prongd_count(prongd_service(socket), PRONGD_COUNTERS, 1); /* there is none */
    prongd_log(socket, PRONGD_LOG_INFO, "greeted length=%zu", config->length);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct state *state = prongd_state(socket);
    uint32_t before = state->lines;
    char text[64];

    for (size_t i = 0; i < size; i++)
        state->lines += ((const char *)bytes)[i] == '\n';
    prongd_count(prongd_service(socket), COUNTER(LINES), state->lines - before);
    prong_socket_write(socket, text,
                       (size_t)snprintf(text, sizeof(text), VERSION " lines %u\n", state->lines));
}

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    if (size >= sizeof(struct state))
        memcpy(bytes, prongd_state(socket), sizeof(struct state));
    return sizeof(struct state);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    if (size != sizeof(struct state) || version != 1)
        return -EPROTO;
    memcpy(prongd_state(socket), bytes, size);
    return 0;
}

const struct prongd_handler prongd_module = {
    .abi = ABI,
    .size = SIZE,
    .option_size = sizeof(struct prongd_option),
    .name = "greeter",
    .version = VERSION,
    .help = "Greets, and counts lines.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct state),
    .events = {.on_data = on_data},
    .on_connection = on_connection,
    .state_version = 1,
    .save = save,
    .restore = restore,
    .configure = configure,
    .start = start,
    .stop = stop,
    .counters = counters,
    .counter_count = sizeof(counters) / sizeof(counters[0]),
};
