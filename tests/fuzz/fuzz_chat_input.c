/* Whatever a client sends as a chat request: refused or brought into the model's form. */
#include "server/chat_input.h"

#include "base/error.h"

#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chat_input input;
    const char *param;
    struct error err = {0};

    if (!chat_input_read((const char *)data, size, 32, false, &input, &param, &err) &&
        err.code == ERROR_NONE)
        __builtin_trap();
    chat_input_clear(&input);
    return 0;
}
