/* SPDX-License-Identifier: MIT
 *
 * Parsing, formatting and comparing addresses.
 */
#include <prong/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* The longest IPv6 literal with a zone. */
#define IP_TEXT_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE + 1)

/* A zone is the name of an interface, or its number. */
static int parse_zone(const char *zone, uint32_t *scope)
{
    char *end;
    unsigned long number;

    if (*zone == '\0')
        return -EINVAL;
    *scope = if_nametoindex(zone);
    if (*scope != 0)
        return 0;
    if (*zone < '0' || *zone > '9')
        return -ENODEV;
    errno = 0;
    number = strtoul(zone, &end, 10);
    if (errno != 0 || *end != '\0' || number > UINT32_MAX)
        return -EINVAL;
    *scope = (uint32_t)number;
    return 0;
}

/* Splits "fe80::1%eth0"; `ip` gets the part before the zone.  -EINVAL when that is too long. */
static int split_zone(const char *text, char ip[INET6_ADDRSTRLEN], const char **zone)
{
    const char *percent = strchr(text, '%');
    size_t length = percent != NULL ? (size_t)(percent - text) : strlen(text);

    if (length >= INET6_ADDRSTRLEN)
        return -EINVAL;
    memcpy(ip, text, length);
    ip[length] = '\0';
    *zone = percent != NULL ? percent + 1 : NULL;
    return 0;
}

int prong_is_ip(const char *text)
{
    struct in6_addr scratch;
    char ip[INET6_ADDRSTRLEN];
    const char *zone;

    if (text == NULL)
        return 0;
    if (inet_pton(AF_INET, text, &scratch) == 1)
        return 4;
    if (split_zone(text, ip, &zone) < 0 || inet_pton(AF_INET6, ip, &scratch) != 1)
        return 0;
    return zone == NULL || *zone != '\0' ? 6 : 0;
}

int prong_address_from_ip(struct prong_address *address, const char *ip, uint16_t port)
{
    struct prong_address result = {.port = port};
    char plain[INET6_ADDRSTRLEN];
    const char *zone;

    if (ip == NULL)
        return -EINVAL;
    if (inet_pton(AF_INET, ip, result.ip) == 1) {
        result.family = AF_INET;
        *address = result;
        return 0;
    }
    if (split_zone(ip, plain, &zone) < 0 || inet_pton(AF_INET6, plain, result.ip) != 1)
        return -EINVAL;
    if (zone != NULL) {
        int error = parse_zone(zone, &result.scope);
        if (error < 0)
            return error;
    }
    result.family = AF_INET6;
    *address = result;
    return 0;
}

int prong_address_from_path(struct prong_address *address, const char *path)
{
    struct prong_address result = {.family = AF_UNIX};
    size_t length;

    if (path == NULL || path[0] == '\0' || strcmp(path, "@") == 0)
        return -EINVAL;
    length = strlen(path);
    /* A file's path needs its NUL (unix(7)); an abstract name does not. */
    if (length > PRONG_PATH_SIZE - (path[0] == '@' ? 0U : 1U))
        return -ENAMETOOLONG;
    memcpy(result.path, path, length);
    if (path[0] == '@')
        result.path[0] = '\0';
    result.path_size = (uint8_t)length;
    *address = result;
    return 0;
}

static int parse_port(const char *text, uint16_t *port)
{
    unsigned long value = 0;
    const char *digit;

    for (digit = text; *digit >= '0' && *digit <= '9' && value <= UINT16_MAX; digit++)
        value = value * 10 + (unsigned long)(*digit - '0');
    if (digit == text || *digit != '\0' || value > UINT16_MAX)
        return -EINVAL;
    *port = (uint16_t)value;
    return 0;
}

int prong_address_parse(struct prong_address *address, const char *text)
{
    char host[IP_TEXT_SIZE];
    const char *colon;
    bool bracketed;
    size_t length;
    uint16_t port;

    if (text == NULL)
        return -EINVAL;
    if (strncmp(text, "unix:", 5) == 0)
        return prong_address_from_path(address, text + 5);
    colon = strrchr(text, ':');
    if (colon == NULL || colon == text || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    bracketed = text[0] == '[';
    if (bracketed && (colon - text < 2 || colon[-1] != ']'))
        return -EINVAL;
    length = (size_t)(colon - text) - (bracketed ? 2 : 0);
    if (length >= sizeof(host))
        return -EINVAL;
    memcpy(host, text + (bracketed ? 1 : 0), length);
    host[length] = '\0';
    /* Brackets belong to IPv6 and to it alone: "::1:80" could mean two things. */
    if (prong_is_ip(host) != (bracketed ? 6 : 4))
        return -EINVAL;
    return prong_address_from_ip(address, host, port);
}

/* How one byte of a path is written.  Escaped where a reader would go wrong: an '@' that does not
 * mean an abstract name, and whatever a terminal or a log must not see. */
static void format_byte(unsigned char byte, bool is_first, char piece[8])
{
    if (is_first && byte == '\0')
        snprintf(piece, 8, "@");
    else if (byte > 0x20 && byte < 0x7f && byte != '\\' && !(is_first && byte == '@'))
        snprintf(piece, 8, "%c", byte);
    else
        snprintf(piece, 8, "\\x%02x", byte);
}

/* Stops where the text is full. */
static const char *format_path(const struct prong_address *address, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "unix:");

    for (size_t i = 0; i < address->path_size; i++) {
        char piece[8];

        format_byte((unsigned char)address->path[i], i == 0, piece);
        if (used + strlen(piece) >= size)
            break;
        used += (size_t)snprintf(text + used, size - used, "%s", piece);
    }
    return text;
}

const char *prong_address_format_ip(const struct prong_address *address, char *text, size_t size)
{
    char ip[INET6_ADDRSTRLEN];

    if (address->family != AF_INET && address->family != AF_INET6) {
        snprintf(text, size, "-");
        return text;
    }
    inet_ntop(address->family, address->ip, ip, sizeof(ip));
    if (address->family == AF_INET6 && address->scope != 0)
        snprintf(text, size, "%s%%%u", ip, address->scope);
    else
        snprintf(text, size, "%s", ip);
    return text;
}

const char *prong_address_format(const struct prong_address *address, char *text, size_t size)
{
    char ip[IP_TEXT_SIZE];

    if (size == 0)
        return text;
    text[0] = '\0';
    if (address->family == AF_UNIX)
        return format_path(address, text, size);
    prong_address_format_ip(address, ip, sizeof(ip));
    if (address->family == AF_INET)
        snprintf(text, size, "%s:%u", ip, address->port);
    else if (address->family == AF_INET6)
        snprintf(text, size, "[%s]:%u", ip, address->port);
    else
        snprintf(text, size, "-");
    return text;
}

bool prong_address_equal(const struct prong_address *left, const struct prong_address *right)
{
    if (left->family != right->family || left->port != right->port)
        return false;
    switch (left->family) {
    case AF_INET:
        return memcmp(left->ip, right->ip, 4) == 0;
    case AF_INET6:
        return left->scope == right->scope && memcmp(left->ip, right->ip, 16) == 0;
    case AF_UNIX:
        return left->path_size == right->path_size &&
               memcmp(left->path, right->path, left->path_size) == 0;
    default:
        return true;
    }
}

bool prong_address_is_mapped(const struct prong_address *address)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return address->family == AF_INET6 && memcmp(address->ip, prefix, sizeof(prefix)) == 0;
}

int prong_address_to_sockaddr(const struct prong_address *address, struct sockaddr_storage *storage,
                              socklen_t *length)
{
    struct sockaddr_in *in = (struct sockaddr_in *)storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
    struct sockaddr_un *un = (struct sockaddr_un *)storage;

    memset(storage, 0, sizeof(*storage));
    storage->ss_family = address->family;
    switch (address->family) {
    case AF_INET:
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, 4);
        *length = sizeof(*in);
        return 0;
    case AF_INET6:
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->scope;
        memcpy(&in6->sin6_addr, address->ip, 16);
        *length = sizeof(*in6);
        return 0;
    case AF_UNIX:
        memcpy(un->sun_path, address->path, address->path_size);
        *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + address->path_size);
        /* A file's path counts its NUL; an abstract name is all of its bytes. */
        if (address->path_size > 0 && address->path[0] != '\0')
            (*length)++;
        return 0;
    default:
        return -EAFNOSUPPORT;
    }
}

static void from_unix(struct prong_address *address, const struct sockaddr *sockaddr,
                      socklen_t length)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)sockaddr;
    size_t size = length > offsetof(struct sockaddr_un, sun_path)
                      ? length - offsetof(struct sockaddr_un, sun_path)
                      : 0;

    if (size > PRONG_PATH_SIZE)
        size = PRONG_PATH_SIZE;
    /* The kernel counts the NUL of a file's path, and sometimes one more (unix(7), BUGS). */
    if (size > 0 && un->sun_path[0] != '\0')
        size = strnlen(un->sun_path, size);
    memcpy(address->path, un->sun_path, size);
    address->path_size = (uint8_t)size;
}

void prong_address_from_sockaddr(struct prong_address *address, const struct sockaddr *sockaddr,
                                 socklen_t length)
{
    memset(address, 0, sizeof(*address));
    if (length < sizeof(sockaddr->sa_family))
        return;
    if (sockaddr->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sockaddr;
        address->port = ntohs(in->sin_port);
        memcpy(address->ip, &in->sin_addr, 4);
    } else if (sockaddr->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sockaddr;
        address->port = ntohs(in6->sin6_port);
        address->scope = in6->sin6_scope_id;
        memcpy(address->ip, &in6->sin6_addr, 16);
    } else if (sockaddr->sa_family == AF_UNIX) {
        from_unix(address, sockaddr, length);
    } else {
        return;
    }
    address->family = sockaddr->sa_family;
}

int prong_address_from_fd(struct prong_address *address, int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t length = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0)
        return -errno;
    prong_address_from_sockaddr(address, (struct sockaddr *)&storage, length);
    return 0;
}
