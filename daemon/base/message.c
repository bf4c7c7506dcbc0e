/* SPDX-License-Identifier: MIT
 *
 * The names of the messages.
 */
#include "message.h"

static const char *const names[] = {
#define MESSAGE(name, meaning) #name,
    MESSAGES(MESSAGE)
#undef MESSAGE
};

const char *message_name(unsigned message)
{
    return message < MESSAGE_COUNT ? names[message] : "?";
}
