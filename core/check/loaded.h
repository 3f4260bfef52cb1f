/* The plugin's library, mapped into a check's process without an instance. */
#ifndef SESAME_CHECK_LOADED_H
#define SESAME_CHECK_LOADED_H

#include "check/check.h"

struct sesame_plugin;

/* Its descriptor. Skips when it cannot be loaded or lacks what a host needs to look further:
 * load.works and descriptor.complete say so. */
const struct sesame_plugin *check_descriptor(struct check *check);
/* The same, whatever the descriptor lacks. */
const struct sesame_plugin *check_raw_descriptor(struct check *check);

/* The configuration schema as objects; skips when it is no JSON. Ends with the process. */
struct json_object *check_schema(struct check *check);

#endif
