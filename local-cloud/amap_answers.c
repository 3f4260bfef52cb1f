/* What the map service answers, in the shapes of Amap's hosted server. */
#include "local-cloud/amap_answers.h"

#include "base/json.h"
#include "local-cloud/amap_tools.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/places.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, CHINA_OFFSET_S = 8 * 3600, FORECAST_DAYS = 4 };

static const char *argument(struct json_object *arguments, const char *name)
{
    const char *text = json_get_string(arguments, name, NULL);

    return text == NULL ? "" : text;
}

static char *fail(bool *out_is_error, const char *text)
{
    *out_is_error = true;
    return must_copy(text);
}

static struct json_object *forecast(const struct city *city, int64_t day)
{
    static const char *const skies[] = {"晴", "多云", "小雨", "阴"};
    static const char *const winds[] = {"北", "东", "东南", "西"};
    unsigned mix =
        (unsigned)(day * 7 + city->adcode[0] * 3 + city->adcode[1] * 5 + city->adcode[3]);
    int high = 12 + (int)(mix % 9), low = high - 7;
    time_t at = (time_t)(day * DAY_S);
    char date[16], week[4], texts[4][16];
    struct tm parts;

    gmtime_r(&at, &parts);
    strftime(date, sizeof date, "%Y-%m-%d", &parts);
    /* All fit: small numbers. */
    snprintf(week, sizeof week, "%d", parts.tm_wday == 0 ? 7 : parts.tm_wday);
    snprintf(texts[0], sizeof texts[0], "%d", high);
    snprintf(texts[1], sizeof texts[1], "%d", low);
    snprintf(texts[2], sizeof texts[2], "%d.0", high);
    snprintf(texts[3], sizeof texts[3], "%d.0", low);
    return json_pack(
        "{date:s,week:s,dayweather:s,nightweather:s,daytemp:s,nighttemp:s,daywind:s,"
        "nightwind:s,daypower:s,nightpower:s,daytemp_float:s,nighttemp_float:s}",
        date, week, skies[mix % 4], skies[mix / 2 % 4], texts[0], texts[1], winds[mix % 4],
        winds[mix % 4], "1-3", "1-3", texts[2], texts[3]);
}

static char *weather(struct json_object *arguments, int64_t now_s, bool *out_is_error)
{
    const struct city *city = places_city_by_name(argument(arguments, "city"));
    struct json_object *list;

    if (city == NULL)
        return fail(out_is_error, "Get weather failed: INVALID_PARAMS");
    list = must_have(json_object_new_array());
    for (int64_t i = 0; i < FORECAST_DAYS; i++)
        json_object_array_add(list, forecast(city, (now_s + CHINA_OFFSET_S) / DAY_S + i));
    return json_pack_text(json_pack("{city:s,forecasts:o}", city->full, list));
}

static char *geo_answer(const struct city *city, const char *district, const char *level,
                        double lon, double lat)
{
    char location[40];

    /* Fits: two numbers of at most ten characters. */
    snprintf(location, sizeof location, "%.6f,%.6f", lon, lat);
    /* Empty members come as [] from the hosted server. */
    return json_pack_text(
        json_pack("{results:[{country:s,province:s,city:s,citycode:s,district:s,street:[],"
                  "number:[],adcode:s,location:s,level:s}]}",
                  "中国", city->province, city->full, city->citycode, district, city->adcode,
                  location, level));
}

static char *geo(struct json_object *arguments, bool *out_is_error)
{
    const char *address = argument(arguments, "address");
    const struct place *place = places_place_in(address);
    const struct city *city = places_city_in(address);

    if (place != NULL)
        return geo_answer(places_city_by_adcode(place->adcode), place->district, place->level,
                          place->lon, place->lat);
    if (city != NULL)
        return geo_answer(city, "", "市", city->lon, city->lat);
    return fail(out_is_error, "Geocoding failed: ENGINE_RESPONSE_DATA_ERROR");
}

static bool parse_point(const char *text, double *out_lon, double *out_lat)
{
    char *end;

    *out_lon = strtod(text, &end);
    if (end == text || *end != ',')
        return false;
    text = end + 1;
    *out_lat = strtod(text, &end);
    return end != text && *end == '\0' && fabs(*out_lon) <= 180 && fabs(*out_lat) <= 90;
}

/* Metres on the ground, by an even projection: good enough between places of one country. */
static bool measure(const char *from, const char *to, int64_t *out_metres)
{
    double lon_a, lat_a, lon_b, lat_b, x, y;

    if (!parse_point(from, &lon_a, &lat_a) || !parse_point(to, &lon_b, &lat_b))
        return false;
    x = (lon_b - lon_a) * cos((lat_a + lat_b) * M_PI / 360);
    y = lat_b - lat_a;
    *out_metres = (int64_t)(sqrt(x * x + y * y) * 111195);
    return true;
}

static char *number_text(char *out, size_t size, int64_t number)
{
    /* Fits: callers give 24 bytes. */
    snprintf(out, size, "%lld", (long long)number);
    return out;
}

static const struct place *nearest(const char *point)
{
    const struct place *found = NULL;
    int64_t best = 3000;
    size_t count;
    const struct place *known = places_known(&count);

    for (size_t i = 0; i < count; i++) {
        char at[40];
        int64_t metres;

        snprintf(at, sizeof at, "%.6f,%.6f", known[i].lon, known[i].lat);
        if (measure(point, at, &metres) && metres < best) {
            best = metres;
            found = &known[i];
        }
    }
    return found;
}

static const char *station_near(const char *point)
{
    const struct place *place = nearest(point);

    if (place == NULL)
        return "市民中心";
    return place->station != NULL ? place->station : place->chinese;
}

static char *transit(struct json_object *arguments, bool *out_is_error)
{
    const char *from = argument(arguments, "origin"), *to = argument(arguments, "destination");
    char numbers[4][24];
    int64_t metres;

    if (!measure(from, to, &metres))
        return fail(out_is_error, "Direction Transit Integrated failed: INVALID_PARAMS");
    number_text(numbers[0], 24, metres * 5 / 4);
    number_text(numbers[1], 24, 600 + metres / 8);
    number_text(numbers[2], 24, 650);
    number_text(numbers[3], 24, metres / 10);
    return json_pack_text(json_pack(
        "{origin:s,destination:s,distance:s,transits:[{duration:s,walking_distance:s,segments:[{"
        "walking:{origin:s,destination:s,distance:s,duration:s,steps:[{instruction:s,road:s,"
        "distance:s,action:s,assistant_action:s}]},bus:{buslines:[{name:s,departure_stop:{name:s},"
        "arrival_stop:{name:s},distance:s,duration:s,via_stops:[]}]},entrance:{name:s},"
        "exit:{name:s},railway:{name:s,trip:s}}]}]}",
        from, to, numbers[0], numbers[1], numbers[2], from, from, "350", "280",
        "步行350米到达地铁站", "", "350", "", "", "地铁1号线", station_near(from), station_near(to),
        numbers[0], numbers[3], "A口", "C口", "", ""));
}

static char *direction(const char *tool, struct json_object *arguments, bool *out_is_error)
{
    const char *from = argument(arguments, "origin"), *to = argument(arguments, "destination");
    bool is_cycling = strstr(tool, "bicycling") != NULL;
    int64_t speed = strstr(tool, "walking") != NULL ? 1 : is_cycling ? 4 : 9;
    int64_t metres;

    if (!measure(from, to, &metres))
        return fail(out_is_error, "Direction failed: INVALID_PARAMS");
    return json_pack_text(json_pack(
        is_cycling ? "{data:{origin:s,destination:s,paths:[{distance:i,duration:i,steps:[{"
                     "instruction:s,road:s,distance:i,orientation:s,duration:i}]}]}}"
                   : "{route:{origin:s,destination:s,paths:[{distance:i,duration:i,steps:["
                     "{instruction:s,road:s,distance:i,orientation:s,duration:i}]}]}}",
        from, to, metres * 5 / 4, metres / speed, "沿道路前行到达目的地", "", metres * 5 / 4, "西",
        metres / speed));
}

static char *distance(struct json_object *arguments, bool *out_is_error)
{
    const char *to = argument(arguments, "destination");
    const char *rest = argument(arguments, "origins");
    struct json_object *list = must_have(json_object_new_array());

    for (int64_t i = 1; *rest != '\0'; i++) {
        size_t len = strcspn(rest, "|");
        char *from = must_copy_bytes(rest, len);
        char numbers[3][24];
        int64_t metres;
        bool is_good = measure(from, to, &metres);

        free(from);
        if (!is_good)
            break;
        json_object_array_add(list, json_pack("{origin_id:s,dest_id:s,distance:s,duration:s}",
                                              number_text(numbers[0], 24, i), "1",
                                              number_text(numbers[1], 24, metres),
                                              number_text(numbers[2], 24, metres / 9)));
        rest += len + (rest[len] != '\0');
    }
    if (json_object_array_length(list) > 0)
        return json_pack_text(json_pack("{results:o}", list));
    json_object_put(list);
    return fail(out_is_error, "Distance failed: INVALID_PARAMS");
}

static char *search(struct json_object *arguments)
{
    const char *words = argument(arguments, "keywords");
    struct json_object *pois = must_have(json_object_new_array());
    size_t count;
    const struct place *known = places_known(&count);

    for (size_t i = 0; i < count; i++) {
        char id[16];

        if (strstr(known[i].chinese, words) == NULL && strcasestr(known[i].english, words) == NULL)
            continue;
        snprintf(id, sizeof id, "B0STAND%03zu", i % 1000); /* fits: ten characters */
        json_object_array_add(pois, json_pack("{id:s,name:s,address:s,typecode:s}", id,
                                              known[i].chinese, known[i].district, "110000"));
    }
    return json_pack_text(
        json_pack("{suggestion:{keywords:s,ciytes:{suggestion:[]}},pois:o}", "", pois));
}

static char *detail(struct json_object *arguments, bool *out_is_error)
{
    size_t count;
    const struct place *known = places_known(&count);

    for (size_t i = 0; i < count; i++) {
        char id[16], location[40];

        snprintf(id, sizeof id, "B0STAND%03zu", i % 1000);
        if (strcmp(id, argument(arguments, "id")) != 0)
            continue;
        snprintf(location, sizeof location, "%.6f,%.6f", known[i].lon, known[i].lat);
        return json_pack_text(
            json_pack("{id:s,name:s,location:s,address:s,business_area:s,city:s,type:s,alias:s}",
                      id, known[i].chinese, location, known[i].district, "",
                      places_city_by_adcode(known[i].adcode)->full, known[i].level, ""));
    }
    return fail(out_is_error, "Get poi detail failed: INVALID_PARAMS");
}

static char *regeocode(struct json_object *arguments, bool *out_is_error)
{
    const struct place *place = nearest(argument(arguments, "location"));
    const struct city *city = place == NULL ? NULL : places_city_by_adcode(place->adcode);

    if (city == NULL)
        return fail(out_is_error, "RGeocoding failed: ENGINE_RESPONSE_DATA_ERROR");
    /* "provice" is how the server spells it. */
    return json_pack_text(
        json_pack("{provice:s,city:s,district:s}", city->province, city->full, place->district));
}

char *amap_answer(const char *tool, struct json_object *arguments, int64_t now_s,
                  bool *out_is_error)
{
    *out_is_error = false;
    if (strcmp(tool, "maps_weather") == 0)
        return weather(arguments, now_s, out_is_error);
    if (strcmp(tool, "maps_geo") == 0)
        return geo(arguments, out_is_error);
    if (strcmp(tool, "maps_regeocode") == 0)
        return regeocode(arguments, out_is_error);
    if (strcmp(tool, "maps_ip_location") == 0)
        return json_pack_text(json_pack("{province:s,city:s,adcode:s,rectangle:s}", "浙江省",
                                        "杭州市", "330100", "119.8,30.1;120.7,30.5"));
    if (strcmp(tool, "maps_direction_transit_integrated") == 0)
        return transit(arguments, out_is_error);
    if (strncmp(tool, "maps_direction_", 15) == 0)
        return direction(tool, arguments, out_is_error);
    if (strcmp(tool, "maps_distance") == 0)
        return distance(arguments, out_is_error);
    if (strcmp(tool, "maps_text_search") == 0 || strcmp(tool, "maps_around_search") == 0)
        return search(arguments);
    if (strcmp(tool, "maps_search_detail") == 0)
        return detail(arguments, out_is_error);
    if (strncmp(tool, "maps_schema_", 12) == 0)
        return must_format("amapuri://%s", tool + 12);
    *out_is_error = true;
    return must_format("Unknown tool: %.80s", tool);
}
