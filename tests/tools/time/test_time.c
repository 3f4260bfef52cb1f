/* The time plugin, built and loaded: every zone against the C library's own reading of it. */
#include "../../support/run.h"
#include "../../support/tool_bench.h"

#include <time.h>

static struct tool_bench bench;
static int64_t now_s;

int64_t __wrap_clock_wall_ms(void);

int64_t __wrap_clock_wall_ms(void)
{
    return now_s * 1000;
}

static void set_up(void)
{
    now_s = 1795617000; /* 2026-11-25T14:30:00Z */
    tool_bench_init(&bench, NULL, 0);
}

static void tear_down(void)
{
    tool_bench_stop(&bench);
    tool_bench_close(&bench);
}

static void open_time(const char *config)
{
    tool_bench_open(&bench, "time", config);
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
}

/* ---- zones ----------------------------------------------------------------------------------- */

/* What the C library makes of it. */
static void expect(const char *zone, char *out, size_t size)
{
    time_t now = (time_t)now_s;
    char when[40], day[20], offset[10], name[20], variable[100];
    struct tm local;

    snprintf(variable, sizeof variable, ":%s", zone);
    setenv("TZ", variable, 1);
    tzset();
    localtime_r(&now, &local);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(day, sizeof day, "%A", &local);
    strftime(offset, sizeof offset, "%z", &local);
    strftime(name, sizeof name, "%Z", &local);
    snprintf(
        out, size,
        "{\"time\":\"%s%.3s:%.2s\",\"weekday\":\"%s\",\"zone\":\"%s\",\"abbreviation\":\"%s\"}",
        when, offset, offset + 3, day, zone, name);
}

static void compare(const char *zone)
{
    char arguments[100], expected[300];

    snprintf(arguments, sizeof arguments, "{\"zone\":\"%s\"}", zone);
    expect(zone, expected, sizeof expected);
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", arguments), SESAME_OK);
    ck_assert_msg(strcmp(bench.text, expected) == 0, "at %lld: %s, expected %s", (long long)now_s,
                  bench.text, expected);
    ck_assert(!bench.is_error);
}

START_TEST(every_zone_is_as_the_c_library_reads_it)
{
    /* In and out of summer time, within the tables and where the rules take over, and in a leap
     * year. */
    static const int64_t moments[] = {1795617000, 1783000000, 951782400, 4093570800, 4080000000};
    FILE *table = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    char line[200], zone[100];
    int count = 0;

    ck_assert_ptr_nonnull(table);
    open_time("{}");
    while (fgets(line, sizeof line, table) != NULL) {
        const char *name = line + 2;

        if (strncmp(line, "Z ", 2) != 0)
            continue;
        snprintf(zone, sizeof zone, "%.*s", (int)strcspn(name, " "), name);
        for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
            now_s = moments[i];
            compare(zone);
        }
        count++;
    }
    fclose(table);
    ck_assert_int_gt(count, 300);
}
END_TEST

START_TEST(changes_happen_at_their_second)
{
    static const struct {
        const char *zone;
        int64_t change_s;
    } rows[] = {
        {"Europe/Berlin", 1774746000},    /* 2026-03-29T01:00Z, in the table or by the rule */
        {"Europe/Berlin", 4110051600},    /* 2100-03-28T01:00Z, by the rule */
        {"America/New_York", 4128904800}, /* 2100-11-07T06:00Z */
        {"Australia/Sydney", 4126089600}, /* southern: summer is at the turn of the year */
        {"Australia/Lord_Howe", 4126089600},
        {"Africa/Casablanca", 4100000000},
        {"Asia/Gaza", 4100000000},
        {"America/Nuuk", 4109979600}, /* the day before, by a negative hour */
        {"Europe/Dublin", 4110051600},
        {"Asia/Shanghai", -2177481943}, /* before the first change: local mean time */
        {"Asia/Kathmandu", 504901800},
    };

    open_time("{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int64_t step = -7200; step <= 7200; step += 1800)
            for (int64_t off = -1; off <= 1; off++) {
                now_s = rows[i].change_s + step + off;
                if (strcmp(rows[i].zone, "Asia/Shanghai") == 0 && step < 0)
                    continue; /* local mean time has seconds, which %z has not */
                compare(rows[i].zone);
            }
}
END_TEST

START_TEST(the_configured_zone_holds_where_none_is_named)
{
    open_time("{\"zone\":\"Asia/Shanghai\"}");
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text,
                     "{\"time\":\"2026-11-25T22:30:00+08:00\",\"weekday\":"
                     "\"Wednesday\",\"zone\":\"Asia/Shanghai\",\"abbreviation\":"
                     "\"CST\"}");
    tool_bench_stop(&bench);
    open_time("{}");
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", "{}"), SESAME_OK);
    ck_assert_ptr_nonnull(strstr(bench.text, "2026-11-25T14:30:00+00:00"));
}
END_TEST

START_TEST(only_zones_are_read)
{
    static const char *const names[] = {
        "Mars/Olympus", "../../../etc/passwd", "/etc/passwd", "Asia/Shang\\u0000hai", "", "a b"};

    open_time("{}");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char arguments[100];

        snprintf(arguments, sizeof arguments, "{\"zone\":\"%s\"}", names[i]);
        ck_assert_int_eq(tool_bench_call(&bench, "current_time", arguments), SESAME_OK);
        ck_assert_msg(bench.is_error, "%s: %s", names[i], bench.text);
    }
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", "{\"zone\":\"tzdata.zi\"}"),
                     SESAME_OK);
    ck_assert_msg(bench.is_error, "%s", bench.text); /* a name, but no zone file */
}
END_TEST

START_TEST(in_a_process_it_knows_utc_and_says_so)
{
    bench.placement = PLACEMENT_PROCESS;
    open_time("{}");
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", "{\"zone\":\"UTC\"}"), SESAME_OK);
    ck_assert_msg(strstr(bench.text, "+00:00\",\"weekday\":") != NULL, "%s", bench.text);
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", "{\"zone\":\"Asia/Shanghai\"}"),
                     SESAME_OK);
    ck_assert(bench.is_error);
    ck_assert_str_eq(bench.text,
                     "only UTC is known here: zone files cannot be read, as in a "
                     "process of its own");
    bench.misbehaviour[0] = '\0'; /* the attempt to open a file is counted */
}
END_TEST

/* ---- dates ----------------------------------------------------------------------------------- */

START_TEST(dates_are_as_far_apart_as_the_calendar_says)
{
    static const struct {
        const char *from, *to, *text;
    } rows[] = {
#define APART(earlier, days, seconds, y, m, d)                                  \
    "{\"is_earlier\":" #earlier ",\"days\":" #days ",\"and_seconds\":" #seconds \
    ",\"calendar\":{\"years\":" #y ",\"months\":" #m ",\"days\":" #d "}}"
        {"2026-11-25", "2026-11-25", APART(false, 0, 0, 0, 0, 0)},
        {"2026-11-25", "2026-12-25", APART(false, 30, 0, 0, 1, 0)},
        {"2026-12-25", "2026-11-25", APART(true, 30, 0, 0, 1, 0)},
        {"2024-02-29", "2025-02-28", APART(false, 365, 0, 0, 11, 30)},
        {"2024-02-29", "2028-02-29", APART(false, 1461, 0, 4, 0, 0)},
        {"2026-01-31", "2026-03-01", APART(false, 29, 0, 0, 1, 1)},
        {"1900-02-28", "1900-03-01", APART(false, 1, 0, 0, 0, 1)},
        {"2000-02-28", "2000-03-01", APART(false, 2, 0, 0, 0, 2)},
        {"0001-01-01", "9999-12-31", APART(false, 3652058, 0, 9998, 11, 30)},
        {"2026-11-25T08:30", "2026-11-26T08:29:59", APART(false, 0, 86399, 0, 0, 0)},
        {"2026-11-25T08:00:00+08:00", "2026-11-25T00:00:00Z", APART(false, 0, 0, 0, 0, 0)},
        {"2026-11-25 08:00Z", "2026-11-25T08:00-05:30", APART(false, 0, 19800, 0, 0, 0)},
    };

    open_time("{}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char arguments[200];

        snprintf(arguments, sizeof arguments, "{\"from\":\"%s\",\"to\":\"%s\"}", rows[i].from,
                 rows[i].to);
        ck_assert_int_eq(tool_bench_call(&bench, "time_between", arguments), SESAME_OK);
        ck_assert_msg(strcmp(bench.text, rows[i].text) == 0 && !bench.is_error, "%s: %s, not %s",
                      arguments, bench.text, rows[i].text);
    }
}
END_TEST

START_TEST(what_is_no_date_is_an_error)
{
    static const char *const dates[] = {"",
                                        "2026-02-29",
                                        "2026-13-01",
                                        "2026-00-10",
                                        "2026-1-010",
                                        "26-11-25",
                                        "2026/11/25",
                                        "2026-11-25T",
                                        "2026-11-25T25:00",
                                        "2026-11-25T10",
                                        "2026-11-25T10:00+",
                                        "2026-11-25T10:00+8",
                                        "\\u676d\\u676d\\u676d\\u676d",
                                        "2026-11-25T10:00:00Zx",
                                        "+026-11-25",
                                        "2026-11-25T10:00Z"};

    open_time("{}");
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        char arguments[200];

        snprintf(arguments, sizeof arguments, "{\"from\":\"2026-11-25\",\"to\":\"%s\"}", dates[i]);
        ck_assert_int_eq(tool_bench_call(&bench, "time_between", arguments), SESAME_OK);
        ck_assert_msg(bench.is_error, "%s: %s", dates[i], bench.text);
    }
}
END_TEST

int main(void)
{
    static const enum placement placements[] = {PLACEMENT_INLINE, PLACEMENT_THREAD};
    const TTest *const tests[] = {
        every_zone_is_as_the_c_library_reads_it,
        changes_happen_at_their_second,
        the_configured_zone_holds_where_none_is_named,
        only_zones_are_read,
        in_a_process_it_knows_utc_and_says_so,
        dates_are_as_far_apart_as_the_calendar_says,
        what_is_no_date_is_an_error,
        NULL,
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof placements / sizeof placements[0]; i++) {
        tool_bench_placement = placements[i];
        failed |= run_tests(placement_text(placements[i]), tests, set_up, tear_down);
    }
    return failed;
}
