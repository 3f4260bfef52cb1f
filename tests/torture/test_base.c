/* Allocation failure in core/base: JSON, schemas, buffers, encodings, secrets, log. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

#include "../support/run.h"
#include "torture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Longer than what json-c holds without allocating, so that its buffers grow. */
#define LONG_TEXT "a text of more than thirty-two characters, which has to be kept whole"

static const char document[] =
    "{\"name\":\"" LONG_TEXT "\",\"" LONG_TEXT
    "\":[1,-2.5e3,true,false,null,\"\\u00e9\\n\"],"
    "\"nested\":{\"a\":{\"b\":{\"c\":[[],{},\"" LONG_TEXT LONG_TEXT "\"]}}}}";

static bool has_text(struct json_object *object, const char *name, const char *expected)
{
    const char *text = json_get_string(object, name, NULL);

    return text != NULL && strcmp(text, expected) == 0;
}

static bool parse_and_write(struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *value = NULL;
    CLEANUP(buffer_clear) struct buffer out;

    buffer_init(&out, 4096);
    value = json_parse(document, sizeof document - 1, JSON_DEPTH_DEFAULT, err);
    if (value == NULL || !json_add_value(&out, value, err))
        return false;
    /* What was read is what stood there, whatever failed in between. */
    torture_expect(has_text(value, "name", LONG_TEXT), "the string is whole");
    torture_expect(strstr(out.data, LONG_TEXT LONG_TEXT) != NULL, "the nested string is whole");
    torture_expect(json_object_object_length(value) == 3, "every member is there");
    return true;
}

START_TEST(json_is_read_whole_or_not_at_all)
{
    torture("json parse and write", parse_and_write);
}
END_TEST

static bool find_doubles(struct error *err)
{
    static const char doubled[] =
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"\\u0061\":10}";
    struct error why = {0};

    torture_expect(!json_check(doubled, sizeof doubled - 1, JSON_DEPTH_DEFAULT, &why),
                   "the doubled member is refused");
    if (why.code == ERROR_BAD_INPUT)
        return true;
    *err = why;
    return false;
}

START_TEST(a_doubled_member_is_never_let_through)
{
    torture("json doubled member", find_doubles);
}
END_TEST

static struct json_object *schema_json, *good_value, *bad_value;

static bool compile_and_check(struct error *err)
{
    struct json_schema *schema = json_schema_new(schema_json, err);
    struct error why = {0};
    bool ok;

    if (schema == NULL)
        return false;
    ok = json_schema_check(schema, good_value, err);
    torture_expect(!json_schema_check(schema, bad_value, &why), "the bad value is refused");
    json_schema_free(schema);
    return ok;
}

START_TEST(a_schema_never_lets_a_bad_value_through)
{
    schema_json = json_tokener_parse(
        "{\"$defs\":{\"city\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"maxLength\":20}},"
        "\"type\":\"object\",\"properties\":{\"city\":{\"$ref\":\"#/$defs/"
        "city\"},\"days\":{\"type\":"
        "\"array\",\"items\":{\"type\":\"integer\",\"minimum\":1},\"uniqueItems\":true},\"kind\":{"
        "\"enum\":"
        "[\"a\",\"b\"]},\"any\":{\"anyOf\":[{\"type\":\"string\"},{\"const\":5}]}},\"required\":["
        "\"city\"],"
        "\"additionalProperties\":false}");
    good_value =
        json_tokener_parse("{\"city\":\"hangzhou\",\"days\":[1,2,3],\"kind\":\"a\",\"any\":5}");
    bad_value = json_tokener_parse("{\"city\":\"Hangzhou 1\"}");
    /* regcomp of glibc 2.36 loses a block on some of its ways out. */
    torture_lossy("json schema", compile_and_check);
    json_object_put(schema_json);
    json_object_put(good_value);
    json_object_put(bad_value);
}
END_TEST

START_TEST(a_schema_without_patterns_leaves_nothing_behind)
{
    schema_json = json_tokener_parse(
        "{\"$defs\":{\"n\":{\"type\":\"integer\"}},\"properties\":{\"n\":{\"$ref\":\"#/$defs/n\"},"
        "\"m\":{\"oneOf\":[{\"const\":1},{\"const\":2}]}},\"maxProperties\":2}");
    good_value = json_tokener_parse("{\"n\":1,\"m\":2}");
    bad_value = json_tokener_parse("{\"n\":\"" LONG_TEXT "\",\"m\":3}");
    torture("json schema without patterns", compile_and_check);
    json_object_put(schema_json);
    json_object_put(good_value);
    json_object_put(bad_value);
}
END_TEST

static bool grow(struct error *err)
{
    CLEANUP(buffer_clear) struct buffer out;
    char *taken;
    bool ok = true;

    buffer_init(&out, 1 << 20);
    for (int i = 0; ok && i < 200; i++) {
        size_t before = out.len;

        ok = buffer_printf(&out, err, "%04d%s", i, LONG_TEXT) && buffer_add_char(&out, '\n', err);
        /* A failed append leaves what was there. */
        torture_expect(ok || out.len == before || out.len == before + 4 + sizeof LONG_TEXT - 1,
                       "a failed append changes nothing");
        torture_expect(out.data == NULL || out.data[out.len] == '\0', "the text ends");
    }
    ok = ok && base64url_encode(LONG_TEXT, 40, &out, err) &&
         percent_encode("a b/c", 5, &out, err) && form_add(&out, "name", "a b", 3, err) &&
         json_add_string(&out, "\x01\xff\"", 3, err);
    if (!ok)
        return false;
    taken = buffer_take(&out, NULL);
    free(taken);
    return taken != NULL || error_set(err, ERROR_NO_MEMORY, "no memory for the taken bytes");
}

START_TEST(a_buffer_keeps_what_it_has)
{
    torture("buffer growth", grow);
}
END_TEST

static bool keep_secrets(struct error *err)
{
    static const char answer[] = "{\"a\":{\"token\":\"" TORTURE_CANARY "\\n\"}}";
    CLEANUP(secret_cleanup) struct secret *taken = NULL;
    CLEANUP(secret_cleanup) struct secret *joined = NULL;
    CLEANUP(secret_cleanup) struct secret *built = NULL;
    struct secret_builder builder;
    char fingerprint[13];

    secret_builder_init(&builder, 4096);
    if (!json_take_secret(answer, sizeof answer - 1, "/a/token", &taken, err) ||
        (joined = secret_join("Bearer ", taken, "", err)) == NULL)
        return false;
    secret_fingerprint(joined, fingerprint);
    if (strcmp(fingerprint, "------------") == 0)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the fingerprint");
    for (int i = 0; i < 20; i++)
        if (!secret_builder_add(&builder, TORTURE_CANARY, sizeof TORTURE_CANARY - 1, err)) {
            secret_builder_clear(&builder);
            return false;
        }
    built = secret_builder_take(&builder, err);
    secret_builder_clear(&builder);
    return built != NULL;
}

START_TEST(a_secret_is_made_whole_or_not_at_all)
{
    torture("secrets", keep_secrets);
}
END_TEST

static bool write_a_record(struct error *err)
{
    static const char lost[] =
        "{\"level\":\"error\",\"area\":\"log\",\"msg\":\"a record is lost: no memory\"}\n";
    char written[600] = "";
    int fd = memfd_create("log", MFD_CLOEXEC);
    bool ok = log_open(fd, LOG_FORMAT_JSON, LOG_INFO, err);

    if (ok) {
        log_warn("test", LONG_TEXT, LOG_TEXT("value", LONG_TEXT));
        log_close();
        ok = pread(fd, written, sizeof written - 1, 0) > 0 && strcmp(written, lost) != 0;
        if (!ok)
            error_set(err, ERROR_NO_MEMORY, "the log says: %s", written);
        torture_expect(!ok || strstr(written, "\"value\":\"" LONG_TEXT "\"}\n") != NULL,
                       "the record is whole");
        torture_expect(written[0] != '\0', "a lost record leaves its line");
    }
    close(fd);
    return ok;
}

START_TEST(a_record_is_written_whole_or_said_to_be_lost)
{
    torture("log record", write_a_record);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        json_is_read_whole_or_not_at_all,
        a_doubled_member_is_never_let_through,
        a_schema_never_lets_a_bad_value_through,
        a_schema_without_patterns_leaves_nothing_behind,
        a_buffer_keeps_what_it_has,
        a_secret_is_made_whole_or_not_at_all,
        a_record_is_written_whole_or_said_to_be_lost,
        NULL,
    };

    return run_tests("torture_base", tests, NULL, NULL);
}
