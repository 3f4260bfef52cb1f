/* Reads the Date header, which tells how far two clocks are apart. */
#include "plugins/kit/http_date.h"

#include "plugins/kit/kit.h"

#include <string.h>
#include <time.h>

#define LENGTH 29

static bool read_number(const char *text, size_t len, int *out)
{
    int64_t number;

    if (!kit_parse_int((struct sesame_text){text, len}, &number) || number < 0)
        return false;
    *out = (int)number; /* four digits at most */
    return true;
}

static int month_of(const char *text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int month = 0; month < 12; month++)
        if (memcmp(text, names + 3 * month, 3) == 0)
            return month;
    return -1;
}

int64_t http_date_parse(struct sesame_text text)
{
    struct tm tm = {0};
    const char *at = text.data;

    if (text.len != LENGTH || memcmp(at + 3, ", ", 2) != 0 || memcmp(at + 25, " GMT", 4) != 0 ||
        !read_number(at + 5, 2, &tm.tm_mday) || !read_number(at + 12, 4, &tm.tm_year) ||
        !read_number(at + 17, 2, &tm.tm_hour) || !read_number(at + 20, 2, &tm.tm_min) ||
        !read_number(at + 23, 2, &tm.tm_sec) || (tm.tm_mon = month_of(at + 8)) < 0)
        return -1;
    tm.tm_year -= 1900;
    return (int64_t)timegm(&tm);
}
