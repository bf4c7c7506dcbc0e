/* SPDX-License-Identifier: MIT
 *
 * The bytes of a tap as packets in a pcap file: IP and TCP headers are made up, their lengths,
 * sequence numbers and checksums are right.
 *
 * The format is the classic one (LINKTYPE_RAW).  What was not seen is a gap in the sequence
 * numbers.  A unix socket stands there as 127.0.0.1, the client with port 1, the server with
 * port 2.
 */
#ifndef PRONGCTL_PCAP_H
#define PRONGCTL_PCAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tap_stream.h"

struct pcap {
    FILE *file;
    bool is_ipv6;
    uint8_t ip[2][16]; /* of the client, of the server */
    uint16_t port[2];
    uint32_t next[2]; /* sequence numbers */
};

/* Writes the head of the file.  Borrows `file`, of which the caller looks at the errors. */
void pcap_begin(struct pcap *pcap, FILE *file, const struct tap_head *head);

/* One packet from the client, or with `output` to it. */
void pcap_add(struct pcap *pcap, const struct tap_record *record, const uint8_t *bytes);

/* So many bytes are missing. */
void pcap_skip(struct pcap *pcap, bool output, uint64_t size);

#endif
