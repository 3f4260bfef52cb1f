/* What an author says about an instance that can be checked. */
#include "check/example.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX_BYTES ((size_t)1024 * 1024)

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{\"config\":{\"type\":\"object\"},"
    "\"variables\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"files\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"scope\":{\"type\":\"string\"},\"answers\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\","
    "\"properties\":{\"when\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
    "\"type\":{\"type\":\"string\"},\"headers\":{\"type\":\"string\"},"
    "\"body\":{\"type\":[\"string\",\"object\"]}},\"additionalProperties\":false}}},"
    "\"additionalProperties\":false}";

struct json_object *example_read(const char *path, struct error *err)
{
    size_t len;
    CLEANUP(cleanup_free) char *text = config_read_file(path, &len, err);
    CLEANUP(json_cleanup)
    struct json_object *example =
        text == NULL ? NULL : json_parse(text, len, JSON_DEPTH_DEFAULT, err);
    CLEANUP(json_cleanup)
    struct json_object *root =
        json_parse(schema_text, sizeof schema_text - 1, JSON_DEPTH_DEFAULT, err);
    struct json_schema *schema = example == NULL ? NULL : json_schema_new(root, err);
    bool ok = schema != NULL && json_schema_check(schema, example, err);

    json_schema_free(schema);
    if (ok)
        return TAKE(example);
    error_prefix(err, "%s", path);
    return NULL;
}

/* ---- filling in ------------------------------------------------------------------------------ */

struct filler {
    const char *url, *folder;
    struct error *err;
};

static bool add_key(struct buffer *out, EVP_PKEY *key, struct error *err)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text;
    long len;
    bool ok = key != NULL && memory != NULL &&
              PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;

    if (ok) {
        len = BIO_get_mem_data(memory, &text);
        ok = buffer_add(out, text, (size_t)len, err);
    } else {
        error_set(err, ERROR_INTERNAL, "no key could be made");
    }
    BIO_free(memory);
    EVP_PKEY_free(key);
    return ok;
}

/* Adds what the mark at `at` stands for; returns its length, 0 when it is none. */
static size_t add_mark(const struct filler *filler, struct buffer *out, const char *at)
{
    static const struct {
        const char *mark;
        enum { MARK_URL, MARK_FOLDER, MARK_EC, MARK_RSA } kind;
    } marks[] = {
        {"{url}", MARK_URL},
        {"{folder}", MARK_FOLDER},
        {"{key:P-256}", MARK_EC},
        {"{key:RSA-2048}", MARK_RSA},
    };

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (strncmp(at, marks[i].mark, strlen(marks[i].mark)) != 0)
            continue;
        if (marks[i].kind == MARK_URL)
            (void)buffer_add_text(out, filler->url, filler->err);
        else if (marks[i].kind == MARK_FOLDER)
            (void)buffer_add_text(out, filler->folder, filler->err);
        else
            (void)add_key(out, marks[i].kind == MARK_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048),
                          filler->err);
        return strlen(marks[i].mark);
    }
    return 0;
}

static struct json_object *fill_text(const struct filler *filler, const char *text)
{
    CLEANUP(buffer_clear) struct buffer out;

    buffer_init(&out, TEXT_MAX_BYTES);
    while (*text != '\0' && filler->err->code == ERROR_NONE) {
        size_t plain = strcspn(text, "{"), mark;

        if (plain == 0 && (mark = add_mark(filler, &out, text)) > 0) {
            text += mark;
            continue;
        }
        plain = plain == 0 ? 1 : plain;
        (void)buffer_add(&out, text, plain, filler->err);
        text += plain;
    }
    return json_object_new_string_len(out.data == NULL ? "" : out.data, (int)out.len);
}

static struct json_object *fill(const struct filler *filler, struct json_object *value)
{
    struct json_object *copy = NULL;

    if (json_object_is_type(value, json_type_string))
        return fill_text(filler, json_object_get_string(value));
    if (json_object_is_type(value, json_type_array)) {
        copy = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(value); i++)
            (void)json_append(copy, fill(filler, json_object_array_get_idx(value, i)));
        return copy;
    }
    if (!json_object_is_type(value, json_type_object))
        return json_object_get(value);
    copy = json_object_new_object();
    json_object_object_foreach(value, name, member)
    {
        (void)json_set(copy, name, fill(filler, member));
    }
    return copy;
}

struct json_object *example_fill(struct json_object *example, const char *url, const char *folder,
                                 struct error *err)
{
    const struct filler filler = {url, folder, err};
    struct json_object *filled = fill(&filler, example);

    if (err->code == ERROR_NONE)
        return filled;
    json_object_put(filled);
    return NULL;
}

/* ---- around the instance --------------------------------------------------------------------- */

static bool write_file(const char *folder, const char *name, const char *text, struct error *err)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_close) int fd = -1;

    if (strchr(name, '/') != NULL || asprintf(&path, "%s/%s", folder, name) < 0)
        return error_set(err, ERROR_BAD_INPUT, "files: \"%.60s\" is no bare name", name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return error_set(err, ERROR_INTERNAL, "%s cannot be written: %s", path, strerror(errno));
    return true;
}

bool example_set_up(struct json_object *filled, const char *folder,
                    void (*secret)(const char *text), struct error *err)
{
    struct json_object *variables = json_get_object(filled, "variables");
    struct json_object *files = json_get_object(filled, "files");

    if (variables != NULL) {
        json_object_object_foreach(variables, name, value)
        {
            (void)name;
            secret(json_object_get_string(value));
        }
    }
    if (files == NULL)
        return true;
    json_object_object_foreach(files, name, value)
    {
        if (!write_file(folder, name, json_object_get_string(value), err))
            return false;
        secret(json_object_get_string(value));
    }
    return true;
}
