/* SPDX-License-Identifier: MIT
 *
 * Rules, and a tree of what they cover.
 *
 * The tree holds ranges of the IPv6 space that neither overlap nor repeat: a rule that overlaps
 * some of them widens one and swallows the others.  Two ranges are "equal" where they overlap, so
 * tfind(3) with one address as the key says whether it is covered.
 */
#include <prong/block_list.h>

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IP_SIZE     16U
#define MAPPED_BITS 96U /* ::ffff:0:0/96 */

/* Both ends included, in network order: memcmp() compares. */
struct range {
    uint8_t first[IP_SIZE], last[IP_SIZE];
};

struct rule {
    struct range range;
    uint16_t family; /* in which it was written */
    int16_t prefix;
};

struct prong_block_list {
    struct rule *rules; /* the oldest first */
    size_t count, capacity;
    void *covered; /* tsearch(3), of struct range */
};

/* --- Addresses as numbers --- */

/* 0, or -EINVAL for what is no IP address. */
static int to_number(const struct prong_address *address, uint8_t number[IP_SIZE])
{
    static const uint8_t mapped[IP_SIZE] = {[10] = 0xff, [11] = 0xff};

    switch (address->family) {
    case AF_INET:
        memcpy(number, mapped, IP_SIZE);
        memcpy(number + 12, address->ip, 4);
        return 0;
    case AF_INET6:
        memcpy(number, address->ip, IP_SIZE);
        return 0;
    default:
        return -EINVAL;
    }
}

static void from_number(const uint8_t number[IP_SIZE], uint16_t family,
                        struct prong_address *address)
{
    *address = (struct prong_address){.family = family};
    if (family == AF_INET)
        memcpy(address->ip, number + 12, 4);
    else
        memcpy(address->ip, number, IP_SIZE);
}

/* The number before or after it; it is never the first or the last one. */
static void step_down(uint8_t number[IP_SIZE])
{
    for (size_t i = IP_SIZE; i-- > 0 && number[i]-- == 0;)
        ;
}

static void step_up(uint8_t number[IP_SIZE])
{
    for (size_t i = IP_SIZE; i-- > 0 && ++number[i] == 0;)
        ;
}

/* --- The tree --- */

static int compare_ranges(const void *left, const void *right)
{
    const struct range *a = left, *b = right;

    if (memcmp(a->last, b->first, IP_SIZE) < 0)
        return -1;
    return memcmp(a->first, b->last, IP_SIZE) > 0;
}

static struct range *find(void *const *tree, const struct range *key)
{
    struct range *const *found = tfind(key, tree, compare_ranges);

    return found != NULL ? *found : NULL;
}

static void discard(void **tree, struct range *range)
{
    tdelete(range, tree, compare_ranges);
    free(range);
}

/* Lets `target` reach down to `first`, or to where a swallowed range begins. */
static void widen_down(void **tree, struct range *target, const uint8_t first[IP_SIZE])
{
    struct range gap, *other;

    memcpy(gap.first, first, IP_SIZE);
    memcpy(gap.last, target->first, IP_SIZE);
    if (memcmp(gap.first, gap.last, IP_SIZE) >= 0)
        return;
    step_down(gap.last);
    while ((other = find(tree, &gap)) != NULL) {
        if (memcmp(other->first, gap.first, IP_SIZE) < 0)
            memcpy(gap.first, other->first, IP_SIZE);
        discard(tree, other);
    }
    memcpy(target->first, gap.first, IP_SIZE);
}

static void widen_up(void **tree, struct range *target, const uint8_t last[IP_SIZE])
{
    struct range gap, *other;

    memcpy(gap.first, target->last, IP_SIZE);
    memcpy(gap.last, last, IP_SIZE);
    if (memcmp(gap.first, gap.last, IP_SIZE) >= 0)
        return;
    step_up(gap.first);
    while ((other = find(tree, &gap)) != NULL) {
        if (memcmp(other->last, gap.last, IP_SIZE) > 0)
            memcpy(gap.last, other->last, IP_SIZE);
        discard(tree, other);
    }
    memcpy(target->last, gap.last, IP_SIZE);
}

static int cover(void **tree, const struct range *range)
{
    struct range *target = find(tree, range);

    if (target != NULL) {
        widen_down(tree, target, range->first);
        widen_up(tree, target, range->last);
        return 0;
    }
    target = malloc(sizeof(*target));
    if (target == NULL)
        return -ENOMEM;
    *target = *range;
    if (tsearch(target, tree, compare_ranges) == NULL) {
        free(target);
        return -ENOMEM;
    }
    return 0;
}

/* --- Rules --- */

static int reserve(struct prong_block_list *list)
{
    size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
    struct rule *rules;

    if (list->count < list->capacity)
        return 0;
    rules = reallocarray(list->rules, capacity, sizeof(*rules));
    if (rules == NULL)
        return -ENOMEM;
    list->rules = rules;
    list->capacity = capacity;
    return 0;
}

static int add_rule(struct prong_block_list *list, const struct rule *rule)
{
    int error = reserve(list);

    if (error == 0)
        error = cover(&list->covered, &rule->range);
    if (error == 0)
        list->rules[list->count++] = *rule;
    return error;
}

int prong_block_list_add_address(struct prong_block_list *list, const struct prong_address *address)
{
    return prong_block_list_add_range(list, address, address);
}

int prong_block_list_add_range(struct prong_block_list *list, const struct prong_address *first,
                               const struct prong_address *last)
{
    struct rule rule = {.family = first->family, .prefix = -1};

    if (first->family != last->family || to_number(first, rule.range.first) < 0 ||
        to_number(last, rule.range.last) < 0 ||
        memcmp(rule.range.first, rule.range.last, IP_SIZE) > 0)
        return -EINVAL;
    return add_rule(list, &rule);
}

int prong_block_list_add_subnet(struct prong_block_list *list, const struct prong_address *network,
                                unsigned prefix)
{
    struct rule rule = {.family = network->family, .prefix = (int16_t)prefix};
    unsigned bits = prefix;

    if (to_number(network, rule.range.first) < 0 ||
        prefix > (network->family == AF_INET ? 32 : 128))
        return -EINVAL;
    if (network->family == AF_INET)
        bits += MAPPED_BITS;
    memcpy(rule.range.last, rule.range.first, IP_SIZE);
    for (size_t i = 0; i < IP_SIZE; i++) {
        unsigned fixed = bits > i * 8 ? bits - (unsigned)i * 8 : 0; /* bits of this byte */
        uint8_t host = fixed < 8 ? (uint8_t)(0xffU >> fixed) : 0;

        rule.range.first[i] &= (uint8_t)~host;
        rule.range.last[i] |= host;
    }
    return add_rule(list, &rule);
}

/* At most three digits. */
static int parse_prefix(const char *text, unsigned *prefix)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 3 || text[length] != '\0' || (length > 1 && text[0] == '0'))
        return -EINVAL;
    *prefix = (unsigned)strtoul(text, NULL, 10);
    return 0;
}

int prong_block_list_add_cidr(struct prong_block_list *list, const char *text)
{
    const char *slash = text != NULL ? strchr(text, '/') : NULL;
    size_t length = slash != NULL ? (size_t)(slash - text) : 0;
    struct prong_address network;
    char ip[PRONG_ADDRESS_TEXT_SIZE];
    unsigned prefix;

    if (text == NULL || strchr(text, '%') != NULL || length >= sizeof(ip))
        return -EINVAL;
    if (slash == NULL)
        return prong_address_from_ip(&network, text, 0) < 0
                   ? -EINVAL
                   : prong_block_list_add_address(list, &network);
    memcpy(ip, text, length);
    ip[length] = '\0';
    if (prong_address_from_ip(&network, ip, 0) < 0 || parse_prefix(slash + 1, &prefix) < 0)
        return -EINVAL;
    return prong_block_list_add_subnet(list, &network, prefix);
}

bool prong_block_list_check(const struct prong_block_list *list,
                            const struct prong_address *address)
{
    struct range key;

    if (list->covered == NULL || to_number(address, key.first) < 0)
        return false;
    memcpy(key.last, key.first, IP_SIZE);
    return find(&list->covered, &key) != NULL;
}

bool prong_block_list_check_ip(const struct prong_block_list *list, const char *ip)
{
    struct prong_address address;

    return prong_address_from_ip(&address, ip, 0) == 0 && prong_block_list_check(list, &address);
}

/* --- Life and listing --- */

struct prong_block_list *prong_block_list_new(void)
{
    return calloc(1, sizeof(struct prong_block_list));
}

void prong_block_list_clear(struct prong_block_list *list)
{
    tdestroy(list->covered, free);
    free(list->rules);
    *list = (struct prong_block_list){0};
}

void prong_block_list_free(struct prong_block_list *list)
{
    if (list == NULL)
        return;
    prong_block_list_clear(list);
    free(list);
}

size_t prong_block_list_count(const struct prong_block_list *list)
{
    return list->count;
}

void prong_block_list_each(const struct prong_block_list *list,
                           bool (*visit)(const struct prong_block_rule *rule, void *user),
                           void *user)
{
    for (size_t i = list->count; i-- > 0;) {
        const struct rule *rule = &list->rules[i];
        struct prong_block_rule shown = {.prefix = rule->prefix};

        from_number(rule->range.first, rule->family, &shown.first);
        from_number(rule->range.last, rule->family, &shown.last);
        if (!visit(&shown, user))
            return;
    }
}
