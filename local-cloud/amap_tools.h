/* The tools that the map service offers, as data. */
#ifndef LOCAL_CLOUD_AMAP_TOOLS_H
#define LOCAL_CLOUD_AMAP_TOOLS_H

#include <stddef.h>

struct amap_tool {
    const char *name;
    const char *description;
    const char *schema; /* JSON text */
};

const struct amap_tool *amap_tools(size_t *out_count);

#endif
