/* SPDX-License-Identifier: MIT
 *
 * Headers (RFC 791, RFC 8200, RFC 9293) around bytes.
 */
#include "pcap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define MAGIC        0xa1b2c3d4U /* times in microseconds */
#define LINKTYPE_RAW 101
#define SNAPLEN      65535
#define TTL          64

struct file_head {
    uint32_t magic;
    uint16_t major, minor;
    int32_t zone;
    uint32_t accuracy, snaplen, linktype;
};

struct packet_head {
    uint32_t seconds, microseconds, captured, length;
};

/* --- Addresses --- */

static void put_ip(uint8_t ip[16], const struct tap_address *address, bool as_ipv6)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    const uint8_t *ipv4 = address->family == AF_INET ? address->ip : loopback;

    memset(ip, 0, 16);
    if (address->family == AF_INET6) {
        memcpy(ip, address->ip, 16);
    } else if (as_ipv6) { /* ::ffff:a.b.c.d */
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, ipv4, 4);
    } else {
        memcpy(ip, ipv4, 4);
    }
}

static uint16_t port_of(const struct tap_address *address, uint16_t otherwise)
{
    return address->family == AF_INET || address->family == AF_INET6 ? address->port : otherwise;
}

void pcap_begin(struct pcap *pcap, FILE *file, const struct tap_head *head)
{
    struct file_head first = {
        .magic = MAGIC, .major = 2, .minor = 4, .snaplen = SNAPLEN, .linktype = LINKTYPE_RAW};

    *pcap = (struct pcap){.file = file};
    pcap->is_ipv6 = head->client.family == AF_INET6 || head->local.family == AF_INET6;
    put_ip(pcap->ip[0], &head->client, pcap->is_ipv6);
    put_ip(pcap->ip[1], &head->local, pcap->is_ipv6);
    pcap->port[0] = port_of(&head->client, 1);
    pcap->port[1] = port_of(&head->local, 2);
    pcap->next[0] = (uint32_t)head->bytes_read + 1; /* after a SYN */
    pcap->next[1] = (uint32_t)head->bytes_written + 1;
    (void)fwrite(&first, sizeof(first), 1, file);
}

/* --- Packets --- */

/* The sum of the bytes as 16-bit numbers, to be folded in the end; RFC 1071. */
static uint32_t add(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *next = bytes;

    for (; size > 1; size -= 2, next += 2)
        sum += (uint32_t)next[0] << 8 | next[1];
    return size > 0 ? sum + ((uint32_t)next[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static struct tcphdr tcp_head(const struct pcap *pcap, unsigned output, const uint8_t *bytes,
                              size_t size)
{
    size_t ip_size = pcap->is_ipv6 ? 16 : 4;
    struct tcphdr head = {
        .th_sport = htons(pcap->port[output]),
        .th_dport = htons(pcap->port[1 - output]),
        .th_seq = htonl(pcap->next[output]),
        .th_ack = htonl(pcap->next[1 - output]),
        .th_off = sizeof(head) / 4,
        .th_flags = TH_PUSH | TH_ACK,
        .th_win = htons(UINT16_MAX),
    };
    uint32_t sum = IPPROTO_TCP + (uint32_t)(sizeof(head) + size);

    sum = add(sum, pcap->ip[output], ip_size);
    sum = add(sum, pcap->ip[1 - output], ip_size);
    sum = add(sum, &head, sizeof(head));
    head.th_sum = fold(add(sum, bytes, size));
    return head;
}

static void put_ipv4(const struct pcap *pcap, unsigned output, size_t size)
{
    struct iphdr head = {
        .version = 4,
        .ihl = sizeof(head) / 4,
        .tot_len = htons((uint16_t)(sizeof(head) + size)),
        .ttl = TTL,
        .protocol = IPPROTO_TCP,
    };

    memcpy(&head.saddr, pcap->ip[output], sizeof(head.saddr));
    memcpy(&head.daddr, pcap->ip[1 - output], sizeof(head.daddr));
    head.check = fold(add(0, &head, sizeof(head)));
    (void)fwrite(&head, sizeof(head), 1, pcap->file);
}

static void put_ipv6(const struct pcap *pcap, unsigned output, size_t size)
{
    struct ip6_hdr head = {0};

    head.ip6_flow = htonl(6U << 28);
    head.ip6_plen = htons((uint16_t)size);
    head.ip6_nxt = IPPROTO_TCP;
    head.ip6_hlim = TTL;
    memcpy(&head.ip6_src, pcap->ip[output], sizeof(head.ip6_src));
    memcpy(&head.ip6_dst, pcap->ip[1 - output], sizeof(head.ip6_dst));
    (void)fwrite(&head, sizeof(head), 1, pcap->file);
}

void pcap_add(struct pcap *pcap, const struct tap_record *record, const uint8_t *bytes)
{
    unsigned output = record->kind == TAP_OUTPUT ? 1 : 0;
    size_t size = (size_t)record->size;
    struct tcphdr tcp = tcp_head(pcap, output, bytes, size);
    size_t ip_size = pcap->is_ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
    struct packet_head head = {
        .seconds = (uint32_t)(record->time_us / 1000000),
        .microseconds = (uint32_t)(record->time_us % 1000000),
        .captured = (uint32_t)(ip_size + sizeof(tcp) + size),
    };

    head.length = head.captured;
    (void)fwrite(&head, sizeof(head), 1, pcap->file);
    if (pcap->is_ipv6)
        put_ipv6(pcap, output, sizeof(tcp) + size);
    else
        put_ipv4(pcap, output, sizeof(tcp) + size);
    (void)fwrite(&tcp, sizeof(tcp), 1, pcap->file);
    (void)fwrite(bytes, 1, size, pcap->file);
    pcap->next[output] += (uint32_t)size;
}

void pcap_skip(struct pcap *pcap, bool output, uint64_t size)
{
    pcap->next[output ? 1 : 0] += (uint32_t)size;
}
