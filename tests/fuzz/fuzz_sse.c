/* An event stream gives the same events whole and byte by byte. */
#include "fuzz.h"

#include "base/error.h"
#include "net/sse.h"

#include <stdlib.h>

struct tally {
    size_t events;
    size_t bytes;
};

static bool count(void *arg, const struct sse_event *event)
{
    struct tally *tally = arg;

    tally->events++;
    tally->bytes += event->data_len + event->type_len * 31 + event->id_len * 131;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error err = {0};
    struct sse_reader *whole = sse_reader_new(1024, &err), *slow = sse_reader_new(1024, &err);
    struct tally first = {0}, second = {0};
    bool first_ok = sse_reader_feed(whole, (const char *)bytes, len, count, &first, &err);
    bool second_ok = true;

    error_clear(&err);
    for (size_t i = 0; i < len && second_ok; i++)
        second_ok = sse_reader_feed(slow, (const char *)bytes + i, 1, count, &second, &err);
    if (first_ok != second_ok || first.events != second.events || first.bytes != second.bytes)
        abort();
    sse_reader_free(whole);
    sse_reader_free(slow);
    return 0;
}
