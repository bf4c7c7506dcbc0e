/* SPDX-License-Identifier: MIT
 *
 * Writing both versions of the header.
 */
#include "proxy_header.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define V4_OFFSET 12

const char proxy_signature_v1[V1_SIGNATURE + 1] = "PROXY ";
const unsigned char proxy_signature_v2[V2_SIGNATURE] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                                        '\n', 'Q',  'U',  'I',  'T', '\n'};

/* --- Two addresses of one family --- */

static bool is_ip(const struct prong_address *address)
{
    return address->family == AF_INET || address->family == AF_INET6;
}

static void make_plain(struct prong_address *address)
{
    if (!prong_address_is_mapped(address))
        return;
    address->family = AF_INET;
    memmove(address->ip, address->ip + V4_OFFSET, sizeof(address->ip) - V4_OFFSET);
}

static void make_mapped(struct prong_address *address)
{
    if (address->family != AF_INET)
        return;
    address->family = AF_INET6;
    memmove(address->ip + V4_OFFSET, address->ip, sizeof(address->ip) - V4_OFFSET);
    memset(address->ip, 0, V4_OFFSET - 2);
    memset(address->ip + V4_OFFSET - 2, 0xff, 2);
}

/* The family that both have then; 0: none. */
static int match(struct prong_address *source, struct prong_address *destination)
{
    if (!is_ip(source) || !is_ip(destination))
        return 0;
    make_plain(source);
    make_plain(destination);
    source->scope = 0;
    destination->scope = 0;
    if (source->family != destination->family) {
        make_mapped(source);
        make_mapped(destination);
    }
    return source->family;
}

/* --- The versions --- */

static size_t write_line(uint8_t *bytes, int family, const struct prong_address *source,
                         const struct prong_address *destination)
{
    char from[PRONG_ADDRESS_TEXT_SIZE], to[PRONG_ADDRESS_TEXT_SIZE];
    int length;

    if (family == 0)
        length =
            snprintf((char *)bytes, PRONG_PROXY_HEADER_SIZE, "%sUNKNOWN\r\n", proxy_signature_v1);
    else
        length = snprintf(
            (char *)bytes, PRONG_PROXY_HEADER_SIZE, "%sTCP%c %s %s %u %u\r\n", proxy_signature_v1,
            family == AF_INET ? '4' : '6', prong_address_format_ip(source, from, sizeof(from)),
            prong_address_format_ip(destination, to, sizeof(to)), source->port, destination->port);
    return (size_t)length;
}

static void write_u16(uint8_t *bytes, size_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static size_t write_binary(uint8_t *bytes, int family, const struct prong_address *source,
                           const struct prong_address *destination)
{
    enum v2_family own = family == 0         ? V2_FAMILY_NONE
                         : family == AF_INET ? V2_FAMILY_INET
                                             : V2_FAMILY_INET6;
    size_t ip_size = family == AF_INET ? 4 : 16;
    size_t size = family == 0 ? 0 : 2 * ip_size + 4;
    uint8_t *at = bytes + V2_HEAD;

    memcpy(bytes, proxy_signature_v2, V2_SIGNATURE);
    bytes[V2_COMMAND] = V2_PROXY;
    bytes[V2_FAMILY] = family == 0 ? 0 : (uint8_t)(own << 4 | V2_STREAM);
    write_u16(bytes + V2_LENGTH, size);
    if (family == 0)
        return V2_HEAD;
    memcpy(at, source->ip, ip_size);
    memcpy(at + ip_size, destination->ip, ip_size);
    write_u16(at + 2 * ip_size, source->port);
    write_u16(at + 2 * ip_size + 2, destination->port);
    return V2_HEAD + size;
}

size_t prong_proxy_header_write(uint8_t bytes[PRONG_PROXY_HEADER_SIZE],
                                enum prong_proxy_version version,
                                const struct prong_address *source,
                                const struct prong_address *destination)
{
    struct prong_address from = *source, to = *destination;
    int family = match(&from, &to);

    return version == PRONG_PROXY_V1 ? write_line(bytes, family, &from, &to)
                                     : write_binary(bytes, family, &from, &to);
}
