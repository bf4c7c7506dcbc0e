/* SPDX-License-Identifier: MIT
 *
 * discard: reads and forgets (RFC 863).
 */
#include "table.h"

/* Without on_data the library reads and drops what arrives, which is all there is to do. */
const struct prongd_handler discard_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "discard",
    .help = "Reads what arrives and forgets it.",
};
