/* Small helpers for plugin code, outside the contract: growing text, reading and writing JSON
 * through the host's strict reader. Linked statically into each plugin that wants it. */
#ifndef SESAME_PLUGINS_KIT_KIT_H
#define SESAME_PLUGINS_KIT_KIT_H

#include <sesame/services.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The services nearly every plugin uses. */
struct kit {
    const struct sesame_host *host;
    const struct sesame_log_v1 *log;
    const struct sesame_json_v1 *json;
    const struct sesame_clock_v1 *clock;
};

/* False when the host offers one of them not. */
bool kit_open(struct kit *kit, const struct sesame_host *host);

struct sesame_text kit_text(const char *text);
bool kit_equal(struct sesame_text text, const char *other);
bool kit_equal_nocase(struct sesame_text text, const char *other);
/* The length of the longest prefix of at most `max_bytes` that does not end inside a character. */
size_t kit_prefix(struct sesame_text text, size_t max_bytes);
/* A NUL-terminated copy, which the caller frees; NULL without memory. */
char *kit_copy(struct sesame_text text);

/* Text that grows. After a failure (no memory, more than 16 MiB) it stays failed and additions do
 * nothing, so that only the end must be checked. All zero bytes is an empty one. */
struct kit_buffer {
    char *data; /* NUL-terminated when not NULL */
    size_t len;
    size_t capacity;
    bool has_failed;
};
void kit_add(struct kit_buffer *buffer, const char *text);
void kit_add_text(struct kit_buffer *buffer, struct sesame_text text);
void kit_add_number(struct kit_buffer *buffer, int64_t number);
/* As a JSON string literal with its quotes. */
void kit_add_quoted(const struct kit *kit, struct kit_buffer *buffer, struct sesame_text text);
/* Percent-encoded: all but letters, digits and "-._~" (RFC 3986 section 2.3). */
void kit_add_percent(struct kit_buffer *buffer, struct sesame_text text);
/* True when a part of the URL's path is "." or "..": clients and servers take such parts away, so
 * that an argument would choose another path than the one configured. */
bool kit_url_climbs(struct sesame_text url);
/* Whether the body of a message with this Content-Type ("" for none) is a text. */
bool kit_type_is_text(const char *type);
struct sesame_text kit_buffer_text(const struct kit_buffer *buffer);
void kit_clear(struct kit_buffer *buffer);

/* Whether checked JSON is one of these. */
bool kit_is_object(struct sesame_text json);
bool kit_is_array(struct sesame_text json);
bool kit_is_string(struct sesame_text json);
bool kit_is_number(struct sesame_text json);
/* The value at `pointer` of checked JSON. A missing one, or one of another type, gives false or
 * NULL. The text is NUL-terminated and freed by the caller. */
bool kit_find(const struct kit *kit, struct sesame_text json, const char *pointer,
              struct sesame_text *out_value);
char *kit_get_string(const struct kit *kit, struct sesame_text json, const char *pointer);
bool kit_get_int(const struct kit *kit, struct sesame_text json, const char *pointer,
                 int64_t *out_value);
bool kit_get_bool(const struct kit *kit, struct sesame_text json, const char *pointer);
/* The characters of a string literal, NUL-terminated; NULL when it is none. `*out_len` (may be
 * NULL) is their number: one of them may be NUL. */
char *kit_unquote(const struct kit *kit, struct sesame_text literal, size_t *out_len);
/* Why a file could not be read into a secret, for messages: "there is no such file". */
const char *kit_file_fault(int32_t status);

/* A plain decimal integer, the whole text. */
bool kit_parse_int(struct sesame_text text, int64_t *out_value);

#ifdef __cplusplus
}
#endif

#endif
