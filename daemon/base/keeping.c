/* SPDX-License-Identifier: MIT
 *
 * The texts of what a keeper inherits.
 */
#include "keeping.h"

#include <stdlib.h>

void keeping_free(struct keeping *keeping)
{
    if (keeping == NULL)
        return;
    free(keeping->server);
    free(keeping->arguments);
    free(keeping->environment);
    free(keeping->directory);
    free(keeping->root);
    free(keeping->access_log);
    free(keeping->access_format);
    free(keeping);
}
