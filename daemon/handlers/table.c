/* SPDX-License-Identifier: MIT
 *
 * From a name in the configuration to what is done with a connection.
 */
#include "table.h"

const struct prongd_handler *const handler_table[] = {
    &hello_handler,   &echo_handler, &discard_handler,
    &daytime_handler, &time_handler, &chargen_handler,
    &proxy_handler,   &exec_handler, NULL,
};
