/* SPDX-License-Identifier: MIT
 *
 * Addresses and networks from text: what is accepted means the same when it is written and read
 * again.
 */
#include <prong/address.h>
#include <prong/block_list.h>

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_kernel_form(const struct prong_address *address)
{
    struct sockaddr_storage storage;
    struct prong_address again;
    socklen_t length;

    assert(prong_address_to_sockaddr(address, &storage, &length) == 0);
    prong_address_from_sockaddr(&again, (struct sockaddr *)&storage, length);
    assert(prong_address_equal(address, &again));
}

static void check_text(const struct prong_address *address)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];
    struct prong_address again;

    prong_address_format(address, text, sizeof(text));
    if (strchr(text, '\\') != NULL)
        return; /* escapes are for people */
    assert(prong_address_parse(&again, text) == 0);
    assert(prong_address_equal(address, &again));
}

static void check_room(const struct prong_address *address, size_t room)
{
    char text[PRONG_ADDRESS_TEXT_SIZE], cut[PRONG_ADDRESS_TEXT_SIZE];

    prong_address_format(address, text, sizeof(text));
    assert(strlen(text) < sizeof(text));
    room = 1 + room % sizeof(cut);
    prong_address_format(address, cut, room);
    assert(strlen(cut) < room);
    assert(strncmp(cut, text, strlen(cut)) == 0);
}

static void check_ip(const char *text)
{
    int kind = prong_is_ip(text);
    struct prong_address address;
    int error = prong_address_from_ip(&address, text, 80);

    assert(error == 0 || error == -EINVAL || error == -ENODEV);
    assert(error != 0 || kind == (address.family == AF_INET ? 4 : 6));
    assert(error != -ENODEV || kind == 6);
    if (error == 0)
        check_kernel_form(&address);
}

static void check_network(const char *text)
{
    struct prong_block_list *list = prong_block_list_new();
    char ip[64];
    size_t length = strcspn(text, "/");

    assert(list != NULL);
    if (prong_block_list_add_cidr(list, text) == 0) {
        assert(length < sizeof(ip));
        memcpy(ip, text, length);
        ip[length] = '\0';
        assert(prong_block_list_check_ip(list, ip));
        assert(prong_block_list_count(list) == 1);
    } else {
        assert(prong_block_list_count(list) == 0);
    }
    (void)prong_block_list_check_ip(list, text);
    prong_block_list_free(list);
}

/* What the kernel could say. */
static void check_sockaddr(const uint8_t *bytes, size_t size)
{
    struct sockaddr_storage storage = {0};
    struct prong_address address;

    if (size > sizeof(storage))
        return;
    if (size > 0)
        memcpy(&storage, bytes, size);
    prong_address_from_sockaddr(&address, (struct sockaddr *)&storage, (socklen_t)size);
    check_room(&address, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    struct prong_address address;

    assert(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    check_ip(text);
    check_network(text);
    if (prong_address_parse(&address, text) == 0) {
        check_kernel_form(&address);
        check_text(&address);
        check_room(&address, size);
    }
    if (prong_address_from_path(&address, text) == 0) {
        check_kernel_form(&address);
        check_text(&address);
    }
    check_sockaddr(bytes, size);
    free(text);
    return 0;
}
