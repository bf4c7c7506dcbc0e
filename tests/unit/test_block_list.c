/* SPDX-License-Identifier: MIT
 *
 * Block lists: what a rule covers, what is refused, and a comparison with the naive way.
 */
#include <prong/block_list.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Linked with --wrap: the n-th allocation from now on fails; -1: none. */
static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void *__real_reallocarray(void *bytes, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_reallocarray(void *bytes, size_t count, size_t size);

static bool may_allocate(void)
{
    if (allocations_left < 0 || allocations_left-- > 0)
        return true;
    errno = ENOMEM;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_reallocarray(void *bytes, size_t count, size_t size)
{
    return may_allocate() ? __real_reallocarray(bytes, count, size) : NULL;
}

void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *))
{
    return may_allocate() ? __real_tsearch(key, root, compare) : NULL;
}

static int set_up(void **state)
{
    *state = prong_block_list_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    allocations_left = -1;
    prong_block_list_free(*state);
    return 0;
}

static struct prong_address ip(const char *text)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_ip(&address, text, 0), 0);
    return address;
}

static int add_range(struct prong_block_list *list, const char *first, const char *last)
{
    struct prong_address low = ip(first), high = ip(last);

    return prong_block_list_add_range(list, &low, &high);
}

static void r116_an_empty_list_blocks_nobody(void **state)
{
    assert_false(prong_block_list_check_ip(*state, "127.0.0.1"));
    assert_int_equal(prong_block_list_count(*state), 0);
}

static void r116_an_address_blocks_itself_in_both_notations(void **state)
{
    struct prong_address address = ip("192.0.2.7");

    assert_int_equal(prong_block_list_add_address(*state, &address), 0);
    assert_true(prong_block_list_check_ip(*state, "192.0.2.7"));
    assert_true(prong_block_list_check_ip(*state, "::ffff:192.0.2.7"));
    assert_true(prong_block_list_check_ip(*state, "::ffff:c000:207"));
    assert_false(prong_block_list_check_ip(*state, "192.0.2.8"));
    assert_false(prong_block_list_check_ip(*state, "::192.0.2.7"));
}

static void r116_a_mapped_rule_blocks_the_ipv4_peer(void **state)
{
    struct prong_address address = ip("::ffff:192.0.2.7");

    assert_int_equal(prong_block_list_add_address(*state, &address), 0);
    assert_true(prong_block_list_check_ip(*state, "192.0.2.7"));
}

static void r116_a_range_includes_both_ends(void **state)
{
    assert_int_equal(add_range(*state, "10.0.0.255", "10.0.1.1"), 0);
    assert_false(prong_block_list_check_ip(*state, "10.0.0.254"));
    assert_true(prong_block_list_check_ip(*state, "10.0.0.255"));
    assert_true(prong_block_list_check_ip(*state, "10.0.1.0"));
    assert_true(prong_block_list_check_ip(*state, "10.0.1.1"));
    assert_false(prong_block_list_check_ip(*state, "10.0.1.2"));
}

static void r116_an_inverted_or_mixed_range_is_refused(void **state)
{
    assert_int_equal(add_range(*state, "10.0.0.2", "10.0.0.1"), -EINVAL);
    assert_int_equal(add_range(*state, "10.0.0.1", "::ffff:10.0.0.2"), -EINVAL);
    assert_int_equal(prong_block_list_count(*state), 0);
}

struct subnet_row {
    const char *cidr;
    const char *inside;
    const char *outside;
};

static void r116_a_subnet_blocks_all_that_share_its_bits(void **state)
{
    static const struct subnet_row rows[] = {
        {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
        {"10.1.2.3/8", "10.255.0.1", "9.255.255.255"},
        {"192.0.2.128/25", "::ffff:192.0.2.255", "192.0.2.127"},
        {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
        {"192.0.2.9", "192.0.2.9", "192.0.2.8"},
        {"0.0.0.0/0", "255.255.255.255", "2001:db8::1"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"fe80::/10", "febf::1", "fec0::1"},
        {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
        {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        prong_block_list_clear(*state);
        assert_int_equal(prong_block_list_add_cidr(*state, rows[i].cidr), 0);
        assert_true(prong_block_list_check_ip(*state, rows[i].inside));
        assert_false(prong_block_list_check_ip(*state, rows[i].outside));
    }
    prong_block_list_clear(*state);
    assert_int_equal(prong_block_list_add_cidr(*state, "::/0"), 0);
    assert_true(prong_block_list_check_ip(*state, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_true(prong_block_list_check_ip(*state, "1.2.3.4"));
}

static void r116_what_is_no_cidr_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.0/08",
        "10.0.0.0/ 8",
        "10.0.0/8",
        "010.0.0.0/8",
        "::/129",
        "::/1000",
        "::/0128",
        "fe80::%1/10",
        "10.0.0.0/8/8",
        "host/8",
        "fe80::1%1",
        "[::]/8",
        "unix:/run/x",
        ("1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111111111111111111111111/8"),
    };
    struct prong_address address = ip("10.0.0.0");

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(prong_block_list_add_cidr(*state, texts[i]), -EINVAL);
    assert_int_equal(prong_block_list_add_cidr(*state, NULL), -EINVAL);
    assert_int_equal(prong_block_list_add_subnet(*state, &address, 33), -EINVAL);
    assert_int_equal(prong_block_list_add_subnet(*state, &address, UINT32_MAX), -EINVAL);
    assert_int_equal(prong_block_list_count(*state), 0);
}

static void r116_bad_input_to_check_is_simply_false(void **state)
{
    struct prong_address unix_address = {.family = AF_UNIX}, none = {0};

    assert_int_equal(prong_block_list_add_cidr(*state, "::/0"), 0);
    assert_false(prong_block_list_check_ip(*state, NULL));
    assert_false(prong_block_list_check_ip(*state, ""));
    assert_false(prong_block_list_check_ip(*state, "localhost"));
    assert_false(prong_block_list_check(*state, &unix_address));
    assert_false(prong_block_list_check(*state, &none));
    assert_int_equal(prong_block_list_add_address(*state, &unix_address), -EINVAL);
    assert_int_equal(prong_block_list_add_subnet(*state, &none, 0), -EINVAL);
}

static void r116_overlapping_rules_join(void **state)
{
    assert_int_equal(add_range(*state, "10.0.0.10", "10.0.0.20"), 0);
    assert_int_equal(add_range(*state, "10.0.0.30", "10.0.0.40"), 0);
    assert_int_equal(add_range(*state, "10.0.0.50", "10.0.0.60"), 0);
    assert_int_equal(add_range(*state, "10.0.0.15", "10.0.0.55"), 0);
    assert_int_equal(add_range(*state, "10.0.0.12", "10.0.0.13"), 0);
    assert_false(prong_block_list_check_ip(*state, "10.0.0.9"));
    for (int last = 10; last <= 60; last++) {
        char text[32];

        snprintf(text, sizeof(text), "10.0.0.%d", last);
        assert_true(prong_block_list_check_ip(*state, text));
    }
    assert_false(prong_block_list_check_ip(*state, "10.0.0.61"));
    assert_int_equal(prong_block_list_count(*state), 5);
}

/* --- Listing --- */

struct listing {
    char text[512];
    int left; /* stop after so many */
};

static bool append(const struct prong_block_rule *rule, void *user)
{
    struct listing *listing = user;
    char first[64], last[64];
    size_t used = strlen(listing->text);

    snprintf(listing->text + used, sizeof(listing->text) - used, "%s-%s/%d ",
             prong_address_format_ip(&rule->first, first, sizeof(first)),
             prong_address_format_ip(&rule->last, last, sizeof(last)), rule->prefix);
    return --listing->left != 0;
}

static void r116_rules_are_listed_as_added_and_newest_first(void **state)
{
    struct listing listing = {.left = -1};

    assert_int_equal(prong_block_list_add_cidr(*state, "192.0.2.1"), 0);
    assert_int_equal(add_range(*state, "2001:db8::1", "2001:db8::9"), 0);
    assert_int_equal(prong_block_list_add_cidr(*state, "10.1.2.3/8"), 0);
    prong_block_list_each(*state, append, &listing);
    assert_string_equal(listing.text, "10.0.0.0-10.255.255.255/8 2001:db8::1-2001:db8::9/-1 "
                                      "192.0.2.1-192.0.2.1/-1 ");
    listing = (struct listing){.left = 1};
    prong_block_list_each(*state, append, &listing);
    assert_string_equal(listing.text, "10.0.0.0-10.255.255.255/8 ");
}

static void a_cleared_list_can_be_filled_again(void **state)
{
    assert_int_equal(prong_block_list_add_cidr(*state, "192.0.2.1"), 0);
    prong_block_list_clear(*state);
    assert_int_equal(prong_block_list_count(*state), 0);
    assert_false(prong_block_list_check_ip(*state, "192.0.2.1"));
    assert_int_equal(prong_block_list_add_cidr(*state, "192.0.2.2"), 0);
    assert_true(prong_block_list_check_ip(*state, "192.0.2.2"));
}

static void a_rule_for_which_memory_is_short_leaves_no_trace(void **state)
{
    assert_int_equal(prong_block_list_add_cidr(*state, "192.0.2.1"), 0);
    for (int i = 0; i < 7; i++)
        assert_int_equal(prong_block_list_add_cidr(*state, "192.0.2.1"), 0);
    /* The ninth needs room in the list, once; then a range of its own, and its place in the tree.
     */
    for (int i = 0; i < 3; i++) {
        allocations_left = i == 0 ? 0 : 1; /* the room stays */
        assert_int_equal(prong_block_list_add_cidr(*state, "10.0.0.0/8"), -ENOMEM);
        allocations_left = -1;
        assert_false(prong_block_list_check_ip(*state, "10.0.0.1"));
        assert_int_equal(prong_block_list_count(*state), 8);
    }
    assert_int_equal(prong_block_list_add_cidr(*state, "10.0.0.0/8"), 0);
    assert_int_equal(prong_block_list_count(*state), 9);
    prong_block_list_free(NULL);
}

/* --- Against the naive way --- */

static struct prong_address small_address(unsigned number)
{
    struct prong_address address = {.family = AF_INET, .ip = {10, 0}};

    address.ip[2] = (uint8_t)(number >> 8);
    address.ip[3] = (uint8_t)number;
    return address;
}

static void r116_random_ranges_cover_what_a_bitmap_says(void **state)
{
    enum { SPACE = 2048, RANGES = 60, ROUNDS = 200 };
    bool blocked[SPACE];

    srandom(1);
    for (int round = 0; round < ROUNDS; round++) {
        memset(blocked, 0, sizeof(blocked));
        prong_block_list_clear(*state);
        for (int i = 0; i < RANGES; i++) {
            unsigned low = (unsigned)random() % SPACE, size = (unsigned)random() % 40;
            unsigned high = low + size < SPACE ? low + size : SPACE - 1;
            struct prong_address first = small_address(low), last = small_address(high);

            assert_int_equal(prong_block_list_add_range(*state, &first, &last), 0);
            memset(blocked + low, true, high - low + 1);
        }
        for (unsigned i = 0; i < SPACE; i++) {
            struct prong_address address = small_address(i);

            assert_int_equal(prong_block_list_check(*state, &address), blocked[i]);
        }
    }
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    TEST(r116_an_empty_list_blocks_nobody),
    TEST(r116_an_address_blocks_itself_in_both_notations),
    TEST(r116_a_mapped_rule_blocks_the_ipv4_peer),
    TEST(r116_a_range_includes_both_ends),
    TEST(r116_an_inverted_or_mixed_range_is_refused),
    TEST(r116_a_subnet_blocks_all_that_share_its_bits),
    TEST(r116_what_is_no_cidr_is_refused),
    TEST(r116_bad_input_to_check_is_simply_false),
    TEST(r116_overlapping_rules_join),
    TEST(r116_rules_are_listed_as_added_and_newest_first),
    TEST(a_cleared_list_can_be_filled_again),
    TEST(a_rule_for_which_memory_is_short_leaves_no_trace),
    TEST(r116_random_ranges_cover_what_a_bitmap_says),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
