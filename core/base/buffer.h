/* Growing bytes with a limit given at creation, so that no peer makes us allocate without bound.
 * Growing leaves no copy of the bytes behind. */
#ifndef SESAME_BASE_BUFFER_H
#define SESAME_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct error;

/* `data` is NUL-terminated whenever it is not NULL; the NUL is not counted in `len`. Read the
 * fields freely; change them only through the functions. */
struct buffer {
    char *data;
    size_t len;
    size_t capacity;
    size_t max_bytes;
};

/* Starts empty; allocates nothing. `max_bytes` bounds `len`. */
void buffer_init(struct buffer *buffer, size_t max_bytes);

/* Frees the bytes; the buffer is empty and usable again. Fit for CLEANUP(buffer_clear). */
void buffer_clear(struct buffer *buffer);

/* Overwrites the bytes, then frees them. For bytes that may be secret in passing. */
void buffer_wipe(struct buffer *buffer);

/* Append. On failure (limit: ERROR_LIMIT, memory: ERROR_NO_MEMORY) the buffer is unchanged. */
bool buffer_add(struct buffer *buffer, const char *bytes, size_t len, struct error *err);
bool buffer_add_text(struct buffer *buffer, const char *text, struct error *err);
bool buffer_add_char(struct buffer *buffer, char c, struct error *err);
bool buffer_printf(struct buffer *buffer, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends `len` bytes for the caller to write, all of them; returns where. NULL as above. */
char *buffer_extend(struct buffer *buffer, size_t len, struct error *err);

/* Removes `len` bytes from the front; `len` must not exceed what is there. */
void buffer_consume(struct buffer *buffer, size_t len);

/* Sets the length to `len`, which must not exceed the present one. */
void buffer_truncate(struct buffer *buffer, size_t len);

/* Moves the bytes out as a NUL-terminated string the caller frees; never NULL on success (an empty
 * buffer gives ""). The buffer is empty afterwards. NULL when there is no memory. */
char *buffer_take(struct buffer *buffer, size_t *out_len);

#endif
