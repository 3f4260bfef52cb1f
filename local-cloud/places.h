/* Cities and places that the model and the map service of the stand-in both know. */
#ifndef LOCAL_CLOUD_PLACES_H
#define LOCAL_CLOUD_PLACES_H

#include <stddef.h>

struct city {
    const char *english;
    const char *chinese;  /* without the suffix */
    const char *full;     /* with it, as the map service writes it */
    const char *province; /* equals `full` for a municipality */
    const char *adcode;
    const char *citycode;
    double lon, lat; /* GCJ-02, two decimals: nothing navigates by them */
};

struct place {
    const char *english;
    const char *chinese;
    const char *adcode; /* of its city */
    const char *district;
    const char *level;
    const char *station; /* the metro station to use; NULL: made from the name */
    double lon, lat;
};

/* Tables; static. */
const struct city *places_cities(size_t *out_count);
const struct place *places_known(size_t *out_count);

/* The city whose adcode, English or Chinese name (with or without suffix) is exactly `name`,
 * English without case; NULL when there is none. A district's adcode finds its city. */
const struct city *places_city_by_name(const char *name);
const struct city *places_city_by_adcode(const char *adcode);

/* The first city or place whose name occurs in `text`; NULL when none does. */
const struct city *places_city_in(const char *text);
const struct place *places_place_in(const char *text);

#endif
