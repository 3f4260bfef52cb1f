/* The only place that reads a clock or makes random bytes. */
#ifndef SESAME_BASE_CLOCK_H
#define SESAME_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_s(void);       /* seconds since 1970 */
int64_t clock_wall_ms(void);      /* milliseconds since 1970 */
int64_t clock_monotonic_ms(void); /* never goes back */
int64_t clock_monotonic_us(void);

/* "2026-11-24T06:18:05.123Z"; `out` holds 25 bytes. */
void clock_format_rfc3339(int64_t wall_ms, char out[25]);

/* Cryptographic random bytes; does not fail (aborts the process if the kernel has none). */
void random_bytes(void *out, size_t len);

/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(uint64_t bound);

/* `hex_len` (even) random lower-case hex digits and a NUL; `out` holds hex_len + 1 bytes. */
void random_hex(char *out, size_t hex_len);

/* A random UUID, version 4, 36 characters and a NUL. */
void random_uuid(char out[37]);

#endif
