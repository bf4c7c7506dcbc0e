/* SPDX-License-Identifier: MIT
 *
 * Reading both versions of the header.
 */
#include "proxy_header.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CRC_POLYNOMIAL 0x82f63b78U /* Castagnoli's, the low bit first */

static int smaller(size_t left, size_t right)
{
    return (int)(left < right ? left : right);
}

/* --- Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" --- */

/* The next word of the line, cut out, or NULL; words are separated by one space each. */
static char *next_word(char **rest)
{
    char *word = *rest, *space;

    if (word == NULL)
        return NULL;
    space = strchr(word, ' ');
    *rest = space == NULL ? NULL : space + 1;
    if (space != NULL)
        *space = '\0';
    return word;
}

/* Decimal, without leading zeros; -1 for anything else. */
static int read_port(const char *word)
{
    size_t digits = word == NULL ? 0 : strspn(word, "0123456789");
    long port;

    if (digits == 0 || digits > 5 || word[digits] != '\0' || (word[0] == '0' && digits > 1))
        return -1;
    port = strtol(word, NULL, 10);
    return port <= UINT16_MAX ? (int)port : -1;
}

static int read_address(struct prong_address *address, const char *ip, const char *port_word,
                        int version)
{
    int port = read_port(port_word);

    if (port < 0 || ip == NULL || strchr(ip, '%') != NULL || prong_is_ip(ip) != version)
        return -EPROTO;
    return prong_address_from_ip(address, ip, (uint16_t)port);
}

static int read_words(struct prong_proxy_header *header, char *line)
{
    char *rest = line;
    const char *signature = next_word(&rest), *protocol = next_word(&rest);
    const char *source, *destination, *source_port, *destination_port;
    int version;

    (void)signature; /* was compared */
    if (protocol == NULL)
        return -EPROTO;
    if (strcmp(protocol, "UNKNOWN") == 0)
        return 0; /* whatever follows */
    if (strcmp(protocol, "TCP4") != 0 && strcmp(protocol, "TCP6") != 0)
        return -EPROTO;
    version = protocol[3] - '0';
    source = next_word(&rest);
    destination = next_word(&rest);
    source_port = next_word(&rest);
    destination_port = next_word(&rest);
    if (rest != NULL || read_address(&header->source, source, source_port, version) < 0 ||
        read_address(&header->destination, destination, destination_port, version) < 0)
        return -EPROTO;
    return 0;
}

static int read_line(struct prong_proxy_header *header, const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\r', (size_t)smaller(size, V1_MAX - 1));
    char line[V1_MAX];
    size_t length;

    if (end == NULL)
        return size < V1_MAX - 1 ? 0 : -EPROTO;
    length = (size_t)(end - bytes);
    if (length + 1 == size)
        return 0;
    if (end[1] != '\n' || memchr(bytes, '\0', length) != NULL)
        return -EPROTO;
    memcpy(line, bytes, length);
    line[length] = '\0';
    return read_words(header, line) < 0 ? -EPROTO : (int)length + 2;
}

/* --- Version 2 --- */

static size_t read_u16(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)read_u16(bytes) << 16 | (uint32_t)read_u16(bytes + 2);
}

/* The checksum counts as four zeros in what it is made of. */
static uint32_t crc32c(const uint8_t *bytes, size_t size, size_t checksum)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= i >= checksum && i < checksum + 4 ? 0 : bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
    }
    return ~crc;
}

/* From `at` to the end of the header: a type, a length of two bytes, a value, and so on. */
static int check_values(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size) {
        size_t value = at + V2_VALUE_HEAD, length;

        if (value > size)
            return -EPROTO;
        length = read_u16(bytes + at + 1);
        if (length > size - value)
            return -EPROTO;
        if (bytes[at] == V2_TYPE_CRC32C &&
            (length != 4 || read_u32(bytes + value) != crc32c(bytes, size, value)))
            return -EBADMSG;
        at = value + length;
    }
    return 0;
}

/* How long the addresses of each family are, source and destination with their ports. */
static const size_t address_sizes[] = {
    [V2_FAMILY_NONE] = 0,
    [V2_FAMILY_INET] = 12,
    [V2_FAMILY_INET6] = 36,
    [V2_FAMILY_UNIX] = 216,
};

static void take_addresses(struct prong_proxy_header *header, const uint8_t *bytes, bool is_ipv6)
{
    size_t size = is_ipv6 ? 16 : 4;
    uint16_t family = is_ipv6 ? AF_INET6 : AF_INET;

    header->source = (struct prong_address){.family = family};
    header->destination = (struct prong_address){.family = family};
    memcpy(header->source.ip, bytes, size);
    memcpy(header->destination.ip, bytes + size, size);
    header->source.port = (uint16_t)read_u16(bytes + 2 * size);
    header->destination.port = (uint16_t)read_u16(bytes + 2 * size + 2);
}

/* All of a header. */
static int read_block(struct prong_proxy_header *header, const uint8_t *bytes, size_t size)
{
    unsigned command = bytes[V2_COMMAND], family = bytes[V2_FAMILY] >> 4;
    bool is_stream = (bytes[V2_FAMILY] & 0xf) == V2_STREAM;
    int error;

    if (command == V2_LOCAL) /* its addresses say nothing, whatever they are */
        return 0;
    if (command != V2_PROXY || family > V2_FAMILY_UNIX || (bytes[V2_FAMILY] & 0xf) > V2_DATAGRAM ||
        size - V2_HEAD < address_sizes[family])
        return -EPROTO;
    error = check_values(bytes, size, V2_HEAD + address_sizes[family]);
    if (error < 0)
        return error;
    if (is_stream && (family == V2_FAMILY_INET || family == V2_FAMILY_INET6))
        take_addresses(header, bytes + V2_HEAD, family == V2_FAMILY_INET6);
    return 0;
}

static int read_binary(struct prong_proxy_header *header, const uint8_t *bytes, size_t size)
{
    size_t length;
    int error;

    if (size > V2_COMMAND && bytes[V2_COMMAND] >> 4 != 2)
        return -EPROTO;
    if (size < V2_HEAD)
        return 0;
    length = V2_HEAD + read_u16(bytes + V2_LENGTH);
    if (length > PRONG_PROXY_HEADER_MAX)
        return -EMSGSIZE;
    if (size < length)
        return 0;
    error = read_block(header, bytes, length);
    return error < 0 ? error : (int)length;
}

/* --- Both --- */

/* Do the bytes begin like that, as far as they go? */
static bool begins_with(const void *bytes, size_t size, const void *signature, size_t length)
{
    return memcmp(bytes, signature, (size_t)smaller(size, length)) == 0;
}

int prong_proxy_header_read(struct prong_proxy_header *header, const void *bytes, size_t size)
{
    struct prong_proxy_header found = {0};
    int result;

    if (size == 0)
        return 0;
    if (begins_with(bytes, size, proxy_signature_v1, V1_SIGNATURE))
        result = read_line(&found, bytes, size);
    else if (begins_with(bytes, size, proxy_signature_v2, V2_SIGNATURE))
        result = read_binary(&found, bytes, size);
    else
        result = -EPROTO;
    if (result > 0)
        *header = found;
    return result;
}
