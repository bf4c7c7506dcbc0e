/* SPDX-License-Identifier: MIT
 *
 * What a child says about a module: it may be anything.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "item_rows.h"
#include "module.h"
#include "module_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each row of what was taken must be good to print, and its place to be read. */
static void use(const struct module *module)
{
    void *base = calloc(1, module->handler.config_size + 1);

    for (size_t i = 0; base != NULL && i < module->handler.option_count; i++)
        free(format_row(&module->options[i], base));
    free(base);
    json_decref(module_rows_describe_counters(&module->handler));
    json_decref(item_rows_describe(&module->handler));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value = json_loadb((const char *)data, size, 0, NULL);
    struct module *module = calloc(1, sizeof(*module));

    if (module == NULL || value == NULL) {
        json_decref(value);
        free(module);
        return 0;
    }
    module->image = -1;
    if (module_rows_take(module, value) == 0)
        use(module);
    module_free(module);
    return 0;
}
