/* Reads the Date header, which tells how far two clocks are apart. */
#ifndef SESAME_PLUGINS_KIT_HTTP_DATE_H
#define SESAME_PLUGINS_KIT_HTTP_DATE_H

#include <sesame/plugin.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 section 5.6.7; the older forms are not
 * sent any more) as seconds since 1970, or -1. */
int64_t http_date_parse(struct sesame_text text);

#endif
