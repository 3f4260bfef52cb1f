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

static void choose_zone(const char *zone)
{
    char variable[120];

    snprintf(variable, sizeof variable, ":%s", zone);
    setenv("TZ", variable, 1);
    tzset();
}

/* What the C library makes of it. */
static void expect(const char *zone, char *out, size_t size)
{
    time_t now = (time_t)now_s;
    char when[40], day[20], offset[10], name[20];
    struct tm local;

    localtime_r(&now, &local);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(day, sizeof day, "%A", &local);
    strftime(offset, sizeof offset, "%z", &local);
    strftime(name, sizeof name, "%Z", &local);
    snprintf(out, size,
             "{\"time\":\"%s%.3s:%.2s\",\"weekday\":\"%s\",\"zone\":\"%s\",\"abbreviation\":"
             "\"%s\"}",
             when, offset, offset + 3, day, zone, name);
}

static void compare(const char *zone, int64_t moment_s)
{
    char arguments[100], expected[300];

    now_s = moment_s;
    snprintf(arguments, sizeof arguments, "{\"zone\":\"%s\"}", zone);
    expect(zone, expected, sizeof expected);
    ck_assert_int_eq(tool_bench_call(&bench, "current_time", arguments), SESAME_OK);
    ck_assert_msg(strcmp(bench.text, expected) == 0, "at %lld: %s, expected %s", (long long)now_s,
                  bench.text, expected);
    ck_assert(!bench.is_error);
}

/* Calls `fn` for each zone of the tz database that is no second name of another. */
static int each_zone(int (*fn)(const char *zone))
{
    FILE *table = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    char line[200], zone[100];
    int count = 0;

    ck_assert_ptr_nonnull(table);
    while (fgets(line, sizeof line, table) != NULL) {
        if (strncmp(line, "Z ", 2) != 0)
            continue;
        snprintf(zone, sizeof zone, "%.*s", (int)strcspn(line + 2, " "), line + 2);
        choose_zone(zone);
        count += fn(zone);
    }
    fclose(table);
    return count;
}

static int compare_some(const char *zone)
{
    /* In and out of summer time, in a leap year, long ago, and where only the rules reach. */
    static const int64_t moments[] = {1795617000, 1783000000, 951782400,
                                      4093570800, 4080000000, 300000000};

    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        compare(zone, moments[i]);
    return 1;
}

START_TEST(every_zone_is_as_the_c_library_reads_it)
{
    open_time("{}");
    ck_assert_int_gt(each_zone(compare_some), 300);
}
END_TEST

static long offset_at(int64_t moment_s)
{
    time_t moment = (time_t)moment_s;
    struct tm local;

    localtime_r(&moment, &local);
    return local.tm_gmtoff;
}

/* The changes of the clock within a year from `begin_s`, to the second before and after. */
static int compare_changes(const char *zone, int64_t begin_s)
{
    const int64_t step_s = 21600;
    int count = 0;

    for (int64_t at = begin_s; at < begin_s + 366 * 86400; at += step_s) {
        int64_t before = at, after = at + step_s;

        if (offset_at(before) == offset_at(after))
            continue;
        while (after - before > 1)
            *(offset_at((before + after) / 2) == offset_at(at) ? &before : &after) =
                (before + after) / 2;
        compare(zone, before);
        compare(zone, after);
        count++;
    }
    return count;
}

static int compare_this_year(const char *zone)
{
    return compare_changes(zone, 1767225600); /* 2026 */
}

static int compare_far_year(const char *zone)
{
    return compare_changes(zone, 4102444800); /* 2100, by the rules alone */
}

START_TEST(the_clock_changes_at_its_second)
{
    open_time("{}");
    ck_assert_int_gt(each_zone(compare_this_year), 100);
    ck_assert_int_gt(each_zone(compare_far_year), 100);
}
END_TEST

START_TEST(rules_of_every_form_are_understood)
{
    static const char *const rules[] = {
        "AAA3",
        "<+0330>-3:30",
        "AAA-1BBB,J60/0,J300/1:30",
        "AAA1BBB,59,299/-2",
        "AAA0BBB-1:15,M2.5.0/26,M12.1.6/-48:00:01",
        "AAA-10BBB,M10.1.0,M4.1.0/3",
    };
    char folder[] = "/tmp/sesame-time-XXXXXX", path[60], config[100], command[100], zone[20];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        /* The smallest zone file: no change, one type, and the rule. */
        static const char header[] =
            "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
            "\0\0\0\0\0\0\0\1\0\0\0\4";
        static const char type[] = "\0\0\0\0\0\0XXX";
        FILE *file;

        snprintf(path, sizeof path, "%s/Z%zu", folder, i);
        file = fopen(path, "w");
        fwrite(header, 1, 44, file);
        fwrite(type, 1, 10, file);
        fwrite(header, 1, 44, file);
        fwrite(type, 1, 10, file);
        fprintf(file, "\n%s\n", rules[i]);
        fclose(file);
    }
    snprintf(config, sizeof config, "{\"zone_folder\":\"%s\"}", folder);
    open_time(config);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        setenv("TZ", rules[i], 1);
        tzset();
        snprintf(zone, sizeof zone, "Z%zu", i);
        compare(zone, 1795617000);
        ck_assert_int_eq(compare_changes(zone, 1767225600), i < 2 ? 0 : 2);
        ck_assert_int_eq(compare_changes(zone, 1703980800), i < 2 ? 0 : 2); /* a leap year */
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
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
        the_clock_changes_at_its_second,
        rules_of_every_form_are_understood,
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
