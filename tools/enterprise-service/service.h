/* What the parts of this plugin share. */
#ifndef ENTERPRISE_SERVICE_H
#define ENTERPRISE_SERVICE_H

#include "plugins/kit/exchange.h"

/* Fills in the places of `template`: `{{name}}` by the argument of that name, as a JSON value when
 * `is_json`, else percent-encoded; `{{*}}` by all arguments. An argument that was not given is null
 * or "". */
void template_fill(const struct kit *kit, const char *template, bool is_json,
                   struct sesame_text arguments, struct kit_buffer *out);

#endif
