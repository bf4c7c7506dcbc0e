/* SPDX-License-Identifier: MIT
 *
 * One call, where it may be made.
 */
#include "sealed_page.h"

#include <sys/mman.h>
#include <unistd.h>

void sealed_page_close(void *memory)
{
    if (sysconf(_SC_PAGESIZE) <= SEALED_PAGE_SIZE)
        (void)mprotect(memory, SEALED_PAGE_SIZE, PROT_READ);
}
