/* SPDX-License-Identifier: MIT
 *
 * Requests of the control socket: any bytes that end with a newline.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct request request;
    json_t *refusal = request_parse(&request, (const char *)bytes, size);

    if (refusal == NULL) {
        assert(command_find(request.row->name) == request.row);
        assert(request_argument(request.arguments, request.row->most) == NULL);
        assert(request.row->options == NULL || request.row->options->name[0] != '\0');
    } else {
        assert(json_is_false(json_object_get(refusal, "ok")));
        assert(json_is_string(json_object_get(refusal, "error")));
    }
    json_decref(refusal);
    request_clear(&request);
    return 0;
}
