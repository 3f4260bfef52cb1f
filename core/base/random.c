/* Random numbers and names, made of random bytes. */
#include "base/clock.h"

#include "base/text.h"

#include <stdio.h>

uint64_t random_below(uint64_t bound)
{
    uint64_t value, limit = UINT64_MAX - UINT64_MAX % bound;

    do
        random_bytes(&value, sizeof value);
    while (value >= limit);
    return value % bound;
}

void random_hex(char *out, size_t hex_len)
{
    unsigned char bytes[64];
    size_t done = 0;

    while (done < hex_len) {
        size_t step = (hex_len - done) / 2 < sizeof bytes ? (hex_len - done) / 2 : sizeof bytes;

        if (step == 0)
            break;
        random_bytes(bytes, step);
        hex_encode(bytes, step, out + done);
        done += 2 * step;
    }
    out[done] = '\0';
}

void random_uuid(char out[37])
{
    unsigned char bytes[16];
    char hex[33];

    random_bytes(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40); /* version 4 (RFC 4122 section 4.4) */
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    hex_encode(bytes, sizeof bytes, hex);
    /* Always 36 characters. */
    (void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}
