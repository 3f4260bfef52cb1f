/* The tools that the map service offers, as data. */
#include "local-cloud/amap_tools.h"

static const struct amap_tool tools[] = {
    {"maps_regeocode", "把经纬度坐标换算成所在的省、市、区县",
     "{\"type\":\"object\",\"properties\":{\"location\":{\"type\":\"string\",\"description\":"
     "\"经度,纬度\"}},\"required\":[\"location\"]}"},
    {"maps_geo", "把地址、建筑或地标名称换算成经纬度坐标",
     "{\"type\":\"object\",\"properties\":{\"address\":{\"type\":\"string\",\"description\":"
     "\"要查的地址或地标\"},\"city\":{\"type\":\"string\",\"description\":\"所在城市，可不填\"}},"
     "\"required\":[\"address\"]}"},
    {"maps_ip_location", "根据 IP 地址判断所在城市",
     "{\"type\":\"object\",\"properties\":{\"ip\":{\"type\":\"string\",\"description\":\"IP "
     "地址\"}},\"required\":[\"ip\"]}"},
    {"maps_weather", "查询某个城市近几天的天气",
     "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\",\"description\":"
     "\"城市名称或 adcode\"}},\"required\":[\"city\"]}"},
    {"maps_search_detail", "按 POI 编号取得地点的详细信息",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\",\"description\":"
     "\"搜索得到的 POI 编号\"}},\"required\":[\"id\"]}"},
    {"maps_direction_bicycling", "规划骑行路线，最长 500 公里",
     "{\"type\":\"object\",\"properties\":{\"origin\":{\"type\":\"string\",\"description\":"
     "\"起点经纬度，格式为“经度,纬度”\"},\"destination\":{\"type\":\"string\",\"description\":"
     "\"终点经纬度，格式为“经度,纬度”\"}},\"required\":[\"origin\",\"destination\"]}"},
    {"maps_direction_walking", "规划步行路线，最长 100 公里",
     "{\"type\":\"object\",\"properties\":{\"origin\":{\"type\":\"string\",\"description\":"
     "\"起点经纬度，格式为“经度,纬度”\"},\"destination\":{\"type\":\"string\",\"description\":"
     "\"终点经纬度，格式为“经度,纬度”\"}},\"required\":[\"origin\",\"destination\"]}"},
    {"maps_direction_driving", "规划驾车路线",
     "{\"type\":\"object\",\"properties\":{\"origin\":{\"type\":\"string\",\"description\":"
     "\"起点经纬度，格式为“经度,纬度”\"},\"destination\":{\"type\":\"string\",\"description\":"
     "\"终点经纬度，格式为“经度,纬度”\"}},\"required\":[\"origin\",\"destination\"]}"},
    {"maps_direction_transit_integrated", "规划公交、地铁、火车等公共交通路线，跨城时须填两个城市",
     "{\"type\":\"object\",\"properties\":{\"origin\":{\"type\":\"string\",\"description\":"
     "\"起点经纬度，格式为“经度,纬度”\"},\"destination\":{\"type\":\"string\",\"description\":"
     "\"终点经纬度，格式为“经度,纬度”\"},\"city\":{\"type\":\"string\",\"description\":"
     "\"起点所在城市\"},\"cityd\":{\"type\":\"string\",\"description\":\"终点所在城市\"}},"
     "\"required\":[\"origin\",\"destination\",\"city\",\"cityd\"]}"},
    {"maps_distance", "测量一个或多个起点到终点的距离",
     "{\"type\":\"object\",\"properties\":{\"origins\":{\"type\":\"string\",\"description\":"
     "\"起点，多个用竖线分隔\"},\"destination\":{\"type\":\"string\",\"description\":"
     "\"终点经纬度，格式为“经度,纬度”\"},\"type\":{\"type\":\"string\",\"description\":\"1 "
     "驾车（默认），0 直线，3 步行\"}},\"required\":[\"origins\",\"destination\"]}"},
    {"maps_text_search", "按关键词搜索地点",
     "{\"type\":\"object\",\"properties\":{\"keywords\":{\"type\":\"string\",\"description\":"
     "\"关键词\"},\"city\":{\"type\":\"string\",\"description\":\"城市\"},\"citylimit\":{\"type\":"
     "\"boolean\",\"default\":false,\"description\":\"是否只限该城市\"}},\"required\":["
     "\"keywords\"]}"},
    {"maps_around_search", "搜索某个位置附近的地点",
     "{\"type\":\"object\",\"properties\":{\"location\":{\"type\":\"string\",\"description\":"
     "\"中心点经纬度\"},\"keywords\":{\"type\":\"string\",\"description\":\"关键词\"},\"radius\":{"
     "\"type\":\"string\",\"description\":\"半径，单位米\"}},\"required\":[\"location\","
     "\"keywords\"]}"},
    {"maps_schema_navi", "生成打开地图应用并开始导航的链接",
     "{\"type\":\"object\",\"properties\":{\"lon\":{\"type\":\"string\",\"description\":\"经度\"},"
     "\"lat\":{\"type\":\"string\",\"description\":\"纬度\"}},\"required\":[\"lon\",\"lat\"]}"},
    {"maps_schema_take_taxi", "生成打开地图应用叫车的链接",
     "{\"type\":\"object\",\"properties\":{\"dlon\":{\"type\":\"string\",\"description\":"
     "\"终点经度\"},\"dlat\":{\"type\":\"string\",\"description\":\"终点纬度\"},\"dname\":{"
     "\"type\":\"string\",\"description\":\"终点名称\"},\"slon\":{\"type\":\"string\","
     "\"description\":\"起点经度\"},\"slat\":{\"type\":\"string\",\"description\":\"起点纬度\"},"
     "\"sname\":{\"type\":\"string\",\"description\":\"起点名称\"}},\"required\":[\"dlon\","
     "\"dlat\",\"dname\"]}"},
    {"maps_schema_personal_map", "把行程放进个人地图并生成链接",
     "{\"type\":\"object\",\"properties\":{\"orgName\":{\"type\":\"string\",\"description\":"
     "\"行程名称\"},\"lineList\":{\"type\":\"array\",\"description\":\"行程\",\"items\":{\"type\":"
     "\"object\",\"properties\":{\"title\":{\"type\":\"string\"},\"pointInfoList\":{\"type\":"
     "\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"
     "\"lon\":{\"type\":\"number\"},\"lat\":{\"type\":\"number\"},\"poiId\":{\"type\":\"string\"}},"
     "\"required\":[\"name\",\"lon\",\"lat\",\"poiId\"]}}},\"required\":[\"title\","
     "\"pointInfoList\"]}}},\"required\":[\"orgName\",\"lineList\"]}"},
};

const struct amap_tool *amap_tools(size_t *out_count)
{
    *out_count = sizeof tools / sizeof tools[0];
    return tools;
}
