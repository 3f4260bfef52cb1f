/* No stream of a model crashes the reader; every line of the input is one event. */
#include "fuzz.h"

#include "base/error.h"
#include "model/chat_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct chat_stream_events events = {0};
    struct slice rest = {(const char *)bytes, len};
    struct chat_stream stream;
    struct error err = {0};
    bool ok = true;

    chat_stream_init(&stream);
    while (ok && rest.data != NULL) {
        struct slice line = slice_cut(&rest, '\n');

        ok = chat_stream_event(&stream, line.data, line.len, &events, NULL, &err);
    }
    if (ok)
        (void)chat_stream_end(&stream, &err);
    chat_stream_clear(&stream);
    error_clear(&err);
    chat_error_read(500, (const char *)bytes, len, &err);
    return 0;
}
