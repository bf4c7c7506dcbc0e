/* SPDX-License-Identifier: MIT
 *
 * Digits, from the last to the first.
 */
#include "decimal.h"

#include <string.h>

size_t decimal_put(char text[DECIMAL_SIZE], uint64_t number)
{
    char digits[DECIMAL_SIZE];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(text, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

void decimal_put_digits(char *text, unsigned digits, unsigned number)
{
    for (unsigned at = digits; at > 0; at--) {
        text[at - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}
