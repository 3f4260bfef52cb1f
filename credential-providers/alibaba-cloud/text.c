/* Times, nonces and small texts. */
#include "alibaba.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t time_now_s(const struct sesame_instance *instance)
{
    return instance->kit.clock->wall_ms(instance->kit.host) / 1000;
}

void time_format(int64_t at_s, char out[21])
{
    time_t at = (time_t)at_s;
    struct tm utc;

    if (gmtime_r(&at, &utc) == NULL || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &utc) != 20)
        memcpy(out, "1970-01-01T00:00:00Z", 21);
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t shifted = year - (month <= 2), era = shifted / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static bool read_digits(const char *text, size_t count, int *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

bool time_parse(struct sesame_text text, int64_t *out_at_s)
{
    const char *t = text.data;
    int year, month, day, hour, minute, second, fraction;

    if ((text.len != 20 && text.len != 24) || t[4] != '-' || t[7] != '-' || t[10] != 'T' ||
        t[13] != ':' || t[16] != ':' || t[text.len - 1] != 'Z' || (text.len == 24 && t[19] != '.'))
        return false;
    if (!read_digits(t, 4, &year) || !read_digits(t + 5, 2, &month) ||
        !read_digits(t + 8, 2, &day) || !read_digits(t + 11, 2, &hour) ||
        !read_digits(t + 14, 2, &minute) || !read_digits(t + 17, 2, &second) ||
        (text.len == 24 && !read_digits(t + 20, 3, &fraction)))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    *out_at_s = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

void nonce_make(const struct sesame_instance *instance, char out[33])
{
    uint8_t bytes[16];

    instance->random->bytes(instance->kit.host, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]); /* always two digits */
}

void key_id_mask(const char *id, char out[16])
{
    size_t len = strlen(id);

    if (len < 12)
        (void)snprintf(out, 16, "****");
    else
        (void)snprintf(out, 16, "%.4s****%.4s", id, id + len - 4);
}

char *text_copy(const char *text)
{
    return kit_copy(kit_text(text));
}

bool text_is_token(struct sesame_text text, size_t max_len)
{
    if (text.len == 0 || text.len > max_len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return true;
}

void text_log(const struct sesame_instance *instance, int32_t level, const char *message)
{
    instance->kit.log->write(instance->kit.host, level, kit_text(message),
                             (struct sesame_text){NULL, 0});
}
