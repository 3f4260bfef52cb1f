/* Reads files of the source tree. */
#ifndef SESAME_TESTS_SUPPORT_FILES_H
#define SESAME_TESTS_SUPPORT_FILES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

/* tests/vectors/`name` as an object; the caller puts it. The vectors are ours, so json-c alone will
 * do. */
static inline struct json_object *load_vectors(const char *name)
{
    const char *top = getenv("SESAME_TEST_SRCDIR");
    struct json_object *vectors;
    char path[1024];

    snprintf(path, sizeof path, "%s/tests/vectors/%s", top == NULL ? "." : top, name);
    vectors = json_object_from_file(path);
    ck_assert_msg(vectors != NULL, "cannot read %s", path);
    return vectors;
}

static inline const char *member_text(struct json_object *object, const char *name)
{
    struct json_object *member;

    return json_object_object_get_ex(object, name, &member) ? json_object_get_string(member) : NULL;
}

#endif
