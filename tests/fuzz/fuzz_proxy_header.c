/* SPDX-License-Identifier: MIT
 *
 * Headers of the PROXY protocol: a verdict never depends on how the bytes are torn, and what was
 * read is read again when it is written.
 */
#include <prong/proxy_header.h>

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_again(const struct prong_proxy_header *header, enum prong_proxy_version version)
{
    uint8_t bytes[PRONG_PROXY_HEADER_SIZE];
    struct prong_proxy_header again;
    size_t size = prong_proxy_header_write(bytes, version, &header->source, &header->destination);

    assert(size <= sizeof(bytes));
    assert(prong_proxy_header_read(&again, bytes, size) == (int)size);
    assert((again.source.family == 0) == (header->source.family == 0));
    assert(again.source.port == header->source.port);
    assert(again.destination.port == header->destination.port);
    if (again.source.family == header->source.family)
        assert(memcmp(again.source.ip, header->source.ip, 16) == 0);
}

/* One byte after the other: it waits until the verdict, and that stays. */
static void check_torn(const uint8_t *bytes, size_t size, int verdict)
{
    struct prong_proxy_header header;
    size_t most = size < PRONG_PROXY_HEADER_MAX + 1 ? size : PRONG_PROXY_HEADER_MAX + 1;

    for (size_t part = 0; part <= most; part++) {
        int result = prong_proxy_header_read(&header, bytes, part);

        assert(result == 0 || result == verdict);
        assert(verdict <= 0 || (result == verdict) == (part >= (size_t)verdict));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct prong_proxy_header header;
    int result = prong_proxy_header_read(&header, bytes, size);

    assert(result <= (int)size && result <= PRONG_PROXY_HEADER_MAX);
    assert(result >= 0 || result == -EPROTO || result == -EMSGSIZE || result == -EBADMSG);
    check_torn(bytes, size, result);
    if (result > 0) {
        assert(header.source.family == header.destination.family);
        check_again(&header, PRONG_PROXY_V1);
        check_again(&header, PRONG_PROXY_V2);
    }
    return 0;
}
