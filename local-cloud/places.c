/* Cities and places that the model and the map service of the stand-in both know. */
#include "local-cloud/places.h"

#include <string.h>
#include <strings.h>

static const struct city cities[] = {
    {"Hangzhou", "杭州", "杭州市", "浙江省", "330100", "0571", 120.21, 30.25},
    {"Beijing", "北京", "北京市", "北京市", "110000", "010", 116.41, 39.90},
    {"Shanghai", "上海", "上海市", "上海市", "310000", "021", 121.47, 31.23},
    {"Shenzhen", "深圳", "深圳市", "广东省", "440300", "0755", 114.06, 22.54},
    {"Guangzhou", "广州", "广州市", "广东省", "440100", "020", 113.26, 23.13},
    {"Chengdu", "成都", "成都市", "四川省", "510100", "028", 104.07, 30.57},
    {"Chongqing", "重庆", "重庆市", "重庆市", "500000", "023", 106.55, 29.56},
    {"Tianjin", "天津", "天津市", "天津市", "120000", "022", 117.20, 39.08},
    {"Nanjing", "南京", "南京市", "江苏省", "320100", "025", 118.80, 32.06},
    {"Suzhou", "苏州", "苏州市", "江苏省", "320500", "0512", 120.59, 31.30},
    {"Ningbo", "宁波", "宁波市", "浙江省", "330200", "0574", 121.55, 29.87},
    {"Wuhan", "武汉", "武汉市", "湖北省", "420100", "027", 114.31, 30.59},
    {"Xi'an", "西安", "西安市", "陕西省", "610100", "029", 108.94, 34.34},
    {"Qingdao", "青岛", "青岛市", "山东省", "370200", "0532", 120.38, 36.07},
    {"Xiamen", "厦门", "厦门市", "福建省", "350200", "0592", 118.09, 24.48},
    {"Kunming", "昆明", "昆明市", "云南省", "530100", "0871", 102.83, 24.88},
};

static const struct place places[] = {
    {"Hangzhou East", "杭州东站", "330100", "上城区", "火车站", "火车东站", 120.2126, 30.2909},
    {"West Lake", "西湖", "330100", "西湖区", "热点商圈", "龙翔桥", 120.1551, 30.2535},
    {"Lingyin Temple", "灵隐寺", "330100", "西湖区", "兴趣点", NULL, 120.1014, 30.2408},
    {"Xixi Wetland", "西溪湿地", "330100", "西湖区", "兴趣点", NULL, 120.0636, 30.2718},
    {"Hangzhou Xiaoshan", "萧山国际机场", "330100", "萧山区", "兴趣点", NULL, 120.4324, 30.2362},
    {"Hongqiao", "上海虹桥站", "310000", "闵行区", "火车站", "虹桥火车站", 121.3206, 31.1939},
    {"The Bund", "外滩", "310000", "黄浦区", "热点商圈", "南京东路", 121.4906, 31.2400},
    {"People's Square", "人民广场", "310000", "黄浦区", "热点商圈", NULL, 121.4753, 31.2328},
    {"Beijing South", "北京南站", "110000", "丰台区", "火车站", NULL, 116.3788, 39.8652},
    {"Forbidden City", "故宫", "110000", "东城区", "兴趣点", "天安门东", 116.3972, 39.9169},
    {"Tiananmen", "天安门", "110000", "东城区", "兴趣点", "天安门东", 116.3976, 39.9087},
};

const struct city *places_cities(size_t *out_count)
{
    *out_count = sizeof cities / sizeof cities[0];
    return cities;
}

const struct place *places_known(size_t *out_count)
{
    *out_count = sizeof places / sizeof places[0];
    return places;
}

const struct city *places_city_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof cities / sizeof cities[0]; i++)
        if (strcasecmp(cities[i].english, name) == 0 || strcmp(cities[i].chinese, name) == 0 ||
            strcmp(cities[i].full, name) == 0)
            return &cities[i];
    return places_city_by_adcode(name);
}

const struct city *places_city_by_adcode(const char *adcode)
{
    if (strlen(adcode) != 6)
        return NULL;
    /* The last two digits are the district; for a municipality the last four. */
    for (size_t i = 0; i < sizeof cities / sizeof cities[0]; i++) {
        size_t len = strcmp(cities[i].adcode + 2, "0000") == 0 ? 2 : 4;

        if (strncmp(cities[i].adcode, adcode, len) == 0)
            return &cities[i];
    }
    return NULL;
}

const struct city *places_city_in(const char *text)
{
    const struct city *first = NULL;
    const char *first_at = NULL;

    for (size_t i = 0; i < sizeof cities / sizeof cities[0]; i++) {
        const char *at = strstr(text, cities[i].chinese);

        if (at == NULL)
            at = strcasestr(text, cities[i].english);
        if (at != NULL && (first_at == NULL || at < first_at)) {
            first = &cities[i];
            first_at = at;
        }
    }
    return first;
}

const struct place *places_place_in(const char *text)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strstr(text, places[i].chinese) != NULL || strcasestr(text, places[i].english) != NULL)
            return &places[i];
    /* "杭州东" without the word for station, as people say it. */
    return strstr(text, "杭州东") != NULL ? &places[0] : NULL;
}
