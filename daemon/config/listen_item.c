/* SPDX-License-Identifier: MIT
 *
 * From the text of a `listen` item to an address.
 */
#include "listen_item.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include <prong/address.h>

#include "parse.h"

#define HOST_SIZE    256 /* of a DNS name with its NUL */
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define SYSTEMD      "systemd:"
#define FORMS        "write HOST:PORT, [IPV6]:PORT, *:PORT, unix:/PATH, unix:@NAME or systemd:NAME"

static bool is_unix(const char *item)
{
    return strncmp(item, "unix:", 5) == 0;
}

/* The port behind `colon`, or -1. */
static long read_port(const char *colon)
{
    size_t digits = strspn(colon + 1, "0123456789");
    long port;

    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
        return -1;
    port = strtol(colon + 1, NULL, 10);
    return port <= UINT16_MAX ? port : -1;
}

static int check_unix(const char *item, char *problem, size_t size)
{
    const char *path = item + strlen("unix:");
    struct prong_address address;
    int error = prong_address_from_path(&address, path);

    if (error == -ENAMETOOLONG)
        return parse_refuse(problem, size,
                            "\"%s\" is too long: a unix socket's path has at most %d bytes", item,
                            PRONG_PATH_SIZE - 1);
    if (error < 0 || (*path != '/' && *path != '@'))
        return parse_refuse(problem, size,
                            "\"%s\" has no absolute path: write unix:/PATH or unix:@NAME", item);
    return 0;
}

/* Does the host end with a number, as IPv4 addresses do and names never? */
static bool ends_with_number(const char *host, size_t length)
{
    size_t digits = 0;

    while (digits < length && isdigit((unsigned char)host[length - 1 - digits]))
        digits++;
    return digits > 0 && (digits == length || host[length - 1 - digits] == '.');
}

/* A host that is not in brackets: a star, an IPv4 address or a name. */
static int check_host(const char *item, size_t length, char *problem, size_t size)
{
    struct prong_address address;

    if (length == 1 && *item == '*')
        return 0;
    if (length == 0)
        return parse_refuse(problem, size, "\"%s\" has no host: write *%s for every address", item,
                            item);
    if (memchr(item, ':', length) != NULL)
        return parse_refuse(problem, size,
                            "\"%s\" is not an address: IPv6 is written as [IPV6]:PORT", item);
    if (length >= HOST_SIZE || strspn(item, HOST_LETTERS) != length)
        return parse_refuse(problem, size, "\"%s\" is not an address: " FORMS, item);
    if (ends_with_number(item, length) && prong_address_parse(&address, item) < 0)
        return parse_refuse(problem, size, "\"%s\" is neither an IPv4 address nor a name", item);
    return 0;
}

static bool is_systemd(const char *item)
{
    return strncmp(item, SYSTEMD, strlen(SYSTEMD)) == 0;
}

/* What systemd.socket(5) allows for FileDescriptorName=, but for what separates items here. */
static int check_systemd(const char *item, char *problem, size_t size)
{
    const char *name = item + strlen(SYSTEMD);
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if (!isgraph((unsigned char)name[i]) || strchr(":,/", name[i]) != NULL)
            return parse_refuse(problem, size, "\"%s\" has a \"%c\" in the name of its socket",
                                item, name[i]);
    }
    if (length > 0 && length <= 255)
        return 0;
    return parse_refuse(
        problem, size,
        "\"%s\" does not name a socket: write systemd:NAME as in FileDescriptorName=NAME "
        "of the socket unit",
        item);
}

int listen_item_check(const char *item, char *problem, size_t size)
{
    struct prong_address address;
    const char *colon = strrchr(item, ':');

    if (is_systemd(item))
        return check_systemd(item, problem, size);
    if (is_unix(item))
        return check_unix(item, problem, size);
    if (*item == '/')
        return parse_refuse(problem, size, "\"%s\" is not an address: write unix:%s", item, item);
    if (*item != '\0' && strspn(item, "0123456789") == strlen(item))
        return parse_refuse(problem, size, "\"%s\" has no host: write *:%s for every address", item,
                            item);
    if (colon == NULL)
        return parse_refuse(problem, size, "\"%s\" is not an address: " FORMS, item);
    if (*item != '[' && read_port(colon) < 0)
        return parse_refuse(problem, size, "\"%s\" does not end with a port from 0 to 65535", item);
    if (*item != '[')
        return check_host(item, (size_t)(colon - item), problem, size);
    if (prong_address_parse(&address, item) < 0)
        return parse_refuse(problem, size, "\"%s\" is not [IPV6]:PORT with a port from 0 to 65535",
                            item);
    return 0;
}

/* The first address that the resolver finds. */
static int look_up(struct prong_address *address, const char *host, uint16_t port, char *problem,
                   size_t size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(host, NULL, &hints, &found);

    if (error != 0)
        return parse_refuse(problem, size, "the host \"%s\" has no address: %s", host,
                            error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    prong_address_from_sockaddr(address, found->ai_addr, found->ai_addrlen);
    address->port = port;
    freeaddrinfo(found);
    return 0;
}

int listen_item_resolve(struct config_listen *listen, const char *item, char *problem, size_t size)
{
    const char *colon = strrchr(item, ':');
    char host[HOST_SIZE];
    uint16_t port;

    *listen = (struct config_listen){0};
    if (is_systemd(item)) {
        listen->given = item + strlen(SYSTEMD);
        return 0;
    }
    if (prong_address_parse(&listen->address, item) == 0)
        return 0;
    port = (uint16_t)read_port(colon);
    snprintf(host, sizeof(host), "%.*s", (int)(colon - item), item);
    if (strcmp(host, "*") != 0)
        return look_up(&listen->address, host, port, problem, size);
    listen->any_host = true;
    return prong_address_from_ip(&listen->address, "::", port);
}

/* Every address of its family? */
static bool is_wildcard(const struct prong_address *address)
{
    static const uint8_t zero[sizeof(address->ip)];

    return memcmp(address->ip, zero, address->family == AF_INET ? 4 : sizeof(zero)) == 0;
}

/* Does `wide` take what `narrow` asks for? */
static bool covers(const struct config_listen *wide, bool ipv6_only,
                   const struct config_listen *narrow)
{
    if (!is_wildcard(&wide->address))
        return false;
    return wide->address.family == narrow->address.family ||
           (wide->address.family == AF_INET6 && !ipv6_only);
}

bool listen_items_clash(const struct config_listen *left, bool left_ipv6_only,
                        const struct config_listen *right, bool right_ipv6_only)
{
    if (left->given != NULL || right->given != NULL)
        return left->given != NULL && right->given != NULL &&
               strcmp(left->given, right->given) == 0;
    if (left->address.family == AF_UNIX || right->address.family == AF_UNIX)
        return prong_address_equal(&left->address, &right->address);
    if (left->address.port != right->address.port || left->address.port == 0)
        return false;
    return prong_address_equal(&left->address, &right->address) ||
           covers(left, left_ipv6_only, right) || covers(right, right_ipv6_only, left);
}
