/* Makes JSON values from a short picture of them. */
#ifndef LOCAL_CLOUD_JSON_PACK_H
#define LOCAL_CLOUD_JSON_PACK_H

struct json_object;

/* Builds the value that `picture` shows, for example
 * json_pack("{error:s,request_id:s,list:[ib]}", text, id, (int64_t)3, 1). Member names stand for
 * themselves (letters, digits, '_', '-', '.', '$'); a value is s (text, NULL gives null), i
 * (int64_t), b (int, as true or false), d (double), n (null), o (struct json_object *, taken, NULL
 * gives null), an object or an array. A member whose letter is followed by '?' is left out when
 * its text or object is NULL. The picture is a literal: a broken one is a bug. The caller owns the
 * result; memory that runs out ends the process, as this is a stand-in for tests. */
struct json_object *json_pack(const char *picture, ...);

/* Compact text of `value`, which is taken and released; the caller frees the text. */
char *json_pack_text(struct json_object *value);

#endif
