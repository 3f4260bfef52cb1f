/* The small grammars of HTTP fields (RFC 9110 section 5, RFC 3986 section 3.2). */
#ifndef SESAME_NET_HTTP_FIELDS_H
#define SESAME_NET_HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* One or more token characters (RFC 9110 section 5.6.2). */
bool http_is_token(struct slice text);

/* Visible characters, blanks, tabs and bytes from 0x80 on: no CR, LF, NUL or other control. */
bool http_value_is_valid(struct slice text);

/* host [":" port], without user info; names, IPv4 and bracketed IPv6 addresses. */
bool http_host_is_valid(struct slice text);

/* 1 to 15 hex digits. */
bool http_parse_hex(struct slice text, uint64_t *out_value);

#endif
