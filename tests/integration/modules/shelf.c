/* SPDX-License-Identifier: MIT
 *
 * A module with items: whoever says a word has it counted, in all workers together.  "word!" says
 * that it has run out.
 */
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 8

enum { STATE, HITS, LENGTH, SECRET };
enum { FULL, EMPTY };

static const struct prongd_figure figures[] = {
    [STATE] = {"state", "Whether there is any.", PRONGD_FIGURE_STATE},
    [HITS] = {"hits", "How often it was said.", PRONGD_FIGURE_SUM},
    [LENGTH] = {"length", "Its letters.", PRONGD_FIGURE_LEVEL},
    [SECRET] = {"secret", "Nobody's business.", PRONGD_FIGURE_OWN},
};

static const struct prongd_item_state states[] = {
    [FULL] = {"full", true}, [EMPTY] = {"empty", false}};

struct shelf {
    char words[WORDS][32];
    struct prongd_item *items[WORDS];
};

static struct prongd_item *find(struct prongd_service *service, const char *word)
{
    struct shelf *shelf = prongd_service_user(service);

    for (size_t i = 0; i < WORDS; i++) {
        if (shelf->items[i] == NULL) {
            snprintf(shelf->words[i], sizeof(shelf->words[i]), "%s", word);
            shelf->items[i] = prongd_item_new(service, word, NULL);
        }
        if (strcmp(shelf->words[i], word) == 0)
            return shelf->items[i];
    }
    return NULL;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    char word[32], answer[32];
    struct prongd_item *item;
    size_t length;

    snprintf(word, sizeof(word), "%.*s", (int)size, (const char *)bytes);
    length = strcspn(word, "!\n");
    int is_empty = word[length] == '!';
    word[length] = '\0';
    item = find(prongd_service(socket), word);
    prongd_item_set(item, STATE, is_empty ? EMPTY : FULL);
    prongd_item_set(item, LENGTH, length);
    prongd_item_set(item, SECRET, 42);
    length = (size_t)snprintf(answer, sizeof(answer), "%d\n", (int)prongd_item_add(item, HITS, 1));
    prong_socket_write(socket, answer, length);
}

static int start(struct prongd_service *service)
{
    prongd_service_set_user(service, calloc(1, sizeof(struct shelf)));
    return 0;
}

static void stop(struct prongd_service *service)
{
    struct shelf *shelf = prongd_service_user(service);

    for (size_t i = 0; i < WORDS; i++)
        prongd_item_free(shelf->items[i]);
    free(shelf);
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "shelf",
    .help = "Counts words.",
    .events = {.on_data = on_data},
    .start = start,
    .stop = stop,
    .item_kind = KIND,
    .figures = figures,
    .figure_count = sizeof(figures) / sizeof(figures[0]),
    .item_states = states,
    .item_state_count = 2,
};
