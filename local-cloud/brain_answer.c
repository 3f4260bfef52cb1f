/* Words for what the tools of the stand-in answered. */
#include "local-cloud/brain_answer.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "local-cloud/memory.h"

#include <stdlib.h>
#include <string.h>

enum { RESULT_DEPTH = 64, QUOTE_MAX_BYTES = 400 };

static struct json_object *parse(const char *text)
{
    struct error ignored = {0};

    return json_parse(text, strlen(text), RESULT_DEPTH, &ignored);
}

static struct json_object *first_of(struct json_object *object, const char *name)
{
    struct json_object *list = NULL;

    if (json_object_is_type(object, json_type_object))
        list = json_get_array(object, name);
    return list == NULL ? NULL : json_object_array_get_idx(list, 0);
}

static const char *text_of(struct json_object *object, const char *name)
{
    const char *text = json_get_string(object, name, NULL);

    return text == NULL ? "?" : text;
}

static char *quote(const char *what, const char *result)
{
    return must_format("%s\n\n> %.*s\n", what,
                       (int)utf8_prefix(result, strlen(result), QUOTE_MAX_BYTES), result);
}

char *answer_weather(const char *city, const char *result, bool is_chinese)
{
    CLEANUP(json_cleanup) struct json_object *value = parse(result);
    struct json_object *today = first_of(value, "forecasts");

    if (!json_object_is_type(today, json_type_object))
        return quote(is_chinese ? "天气工具没有给出预报：" : "The weather tool gave no forecast:",
                     result);
    if (is_chinese)
        return must_format("**%s** 今天（%s）：白天%s，夜间%s，气温 %s–%s °C，%s风 %s 级。", city,
                           text_of(today, "date"), text_of(today, "dayweather"),
                           text_of(today, "nightweather"), text_of(today, "nighttemp"),
                           text_of(today, "daytemp"), text_of(today, "daywind"),
                           text_of(today, "daypower"));
    return must_format(
        "Weather in **%s** today (%s): %s by day, %s at night, %s to %s °C, wind "
        "%s, force %s.",
        city, text_of(today, "date"), text_of(today, "dayweather"), text_of(today, "nightweather"),
        text_of(today, "nighttemp"), text_of(today, "daytemp"), text_of(today, "daywind"),
        text_of(today, "daypower"));
}

char *answer_route(const char *from, const char *to, const char *result, bool is_chinese)
{
    CLEANUP(json_cleanup) struct json_object *value = parse(result);
    struct json_object *transit = first_of(value, "transits");
    struct json_object *line = NULL;
    int64_t seconds = 0;
    const char *duration;

    if (transit == NULL && json_object_is_type(value, json_type_object))
        transit = first_of(json_get_object(value, "route"), "transits");
    if (!json_object_is_type(transit, json_type_object))
        return quote(is_chinese ? "没有找到路线：" : "The map tools gave no route:", result);
    duration = text_of(transit, "duration");
    parse_int64(duration, strlen(duration), &seconds);
    line = first_of(transit, "segments");
    line = line == NULL ? NULL : json_get_object(line, "bus");
    line = line == NULL ? NULL : first_of(line, "buslines");
    return must_format(is_chinese ? "从 **%s** 到 **%s**：乘坐 %s，约 %lld 分钟。"
                                  : "From **%s** to **%s**: take %s, about %lld minutes.",
                       from, to, line == NULL ? "?" : text_of(line, "name"),
                       (long long)(seconds / 60));
}

char *answer_service(const char *result, bool is_chinese)
{
    return quote(is_chinese ? "企业服务的回答：" : "Your enterprise service answered:", result);
}

char *answer_unknown(const char *question, bool is_chinese)
{
    int len = (int)utf8_prefix(question, strlen(question), QUOTE_MAX_BYTES);

    return must_format(is_chinese
                           ? "我是离线替身模型，只按固定规则回答：可以问某个城市的天气、两地之间"
                             "的路线，或者让我调用企业服务。你说的是：“%.*s”"
                           : "I am the offline stand-in for a model and follow fixed rules "
                             "only: ask for the weather in a city, a route from one place "
                             "to another, or a call of your enterprise service. You said: "
                             "“%.*s”",
                       len, question);
}
