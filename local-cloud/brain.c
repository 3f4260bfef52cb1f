/* The stand-in's "model": fixed rules that choose tools from a question and word an answer. */
#include "local-cloud/brain.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/brain_answer.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/model_request.h"
#include "local-cloud/places.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX_BYTES = 64 * 1024, DONE_MAX_COUNT = 64 };

/* A call that was made since the question, with its result. */
struct done {
    const char *name;
    const char *arguments;
    char *result;
};

struct thought {
    const struct model_request *request;
    struct plan *plan;
    char *question;
    bool is_chinese;
    struct done done[DONE_MAX_COUNT];
    size_t done_count;
    struct buffer answer;
};

static bool mentions(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcasestr(text, *words) != NULL)
            return true;
    return false;
}

static struct json_object *function_at(const struct model_request *request, size_t i)
{
    return json_get_object(json_object_array_get_idx(request->tools, i), "function");
}

/* The offered tool whose name, or else whose description, has one of the words. */
static const char *find_tool(const struct thought *thought, const char *const *words,
                             const char *not_this)
{
    static const char *const fields[] = {"name", "description"};

    if (thought->request->tools == NULL)
        return NULL;
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; i < json_object_array_length(thought->request->tools); i++) {
            struct json_object *function = function_at(thought->request, i);
            const char *text = json_get_string(function, fields[f], NULL);
            const char *name = json_get_string(function, "name", NULL);

            if (text != NULL && mentions(text, words) &&
                (not_this == NULL || strcasestr(name, not_this) == NULL))
                return name;
        }
    return NULL;
}

/* The result of the call of `tool` with exactly these arguments, or NULL. */
static const char *result_of(const struct thought *thought, const char *tool,
                             struct json_object *arguments)
{
    struct error ignored = {0};

    for (size_t i = 0; i < thought->done_count; i++) {
        const struct done *done = &thought->done[i];
        CLEANUP(json_cleanup) struct json_object *made = NULL;

        if (strcmp(done->name, tool) != 0)
            continue;
        made = json_parse(done->arguments, strlen(done->arguments), JSON_DEPTH_DEFAULT, &ignored);
        if (made != NULL && json_object_equal(made, arguments))
            return done->result;
        error_clear(&ignored);
    }
    return NULL;
}

/* The result of a call, or NULL; then the call is planned. Takes `arguments`. */
static const char *call(struct thought *thought, const char *tool, struct json_object *arguments)
{
    const char *result = result_of(thought, tool, arguments);
    struct plan *plan = thought->plan;

    if (result != NULL || plan->call_count == PLAN_CALL_MAX_COUNT) {
        json_object_put(arguments);
        return result;
    }
    plan->calls[plan->call_count].name = must_copy(tool);
    plan->calls[plan->call_count].arguments = json_pack_text(arguments);
    plan->call_count++;
    return NULL;
}

static void say(struct thought *thought, char *text)
{
    struct error err = {0};

    if (thought->answer.len > 0)
        must_have(buffer_add_text(&thought->answer, "\n\n", &err) ? thought : NULL);
    must_have(buffer_add_text(&thought->answer, text, &err) ? thought : NULL);
    free(text);
}

/* ---- weather ---------------------------------------------------------------------------------*/

/* Words after "in" or "for", for cities that no table has. The caller frees the result. */
static char *unknown_city(const char *question)
{
    const char *at = strcasestr(question, " in ");
    size_t len;

    if (at == NULL)
        return NULL;
    at += 4;
    len = strcspn(at, "?!.,\n");
    for (const char *end = strchr(at, ' '); end != NULL; end = strchr(end + 1, ' '))
        if ((size_t)(end - at) < len && end[1] >= 'a' && end[1] <= 'z')
            len = (size_t)(end - at);
    return len == 0 ? NULL : must_copy_bytes(at, len);
}

static void want_weather_of(struct thought *thought, const char *tool, const char *argument,
                            const char *shown)
{
    const char *result = call(thought, tool, json_pack("{city:s}", argument));

    if (result != NULL)
        say(thought, answer_weather(shown, result, thought->is_chinese));
}

static bool want_weather(struct thought *thought)
{
    static const char *const asks[] = {"weather", "forecast", "temperature", "天气",
                                       "气温",    "下雨",     NULL};
    static const char *const tools[] = {"weather", "天气", NULL};
    const char *tool = find_tool(thought, tools, NULL);
    CLEANUP(cleanup_free) char *other = NULL;
    const struct city *cities;
    size_t count;
    bool is_known = false;

    if (!mentions(thought->question, asks))
        return false;
    if (tool == NULL)
        return false;
    cities = places_cities(&count);
    for (size_t i = 0; i < count; i++)
        if (strstr(thought->question, cities[i].chinese) != NULL ||
            strcasestr(thought->question, cities[i].english) != NULL) {
            want_weather_of(thought, tool, cities[i].chinese,
                            thought->is_chinese ? cities[i].chinese : cities[i].english);
            is_known = true;
        }
    other = is_known ? NULL : unknown_city(thought->question);
    if (other != NULL)
        want_weather_of(thought, tool, other, other);
    else if (!is_known)
        say(thought,
            must_copy(thought->is_chinese ? "请告诉我是哪个城市。" : "Which city do you mean?"));
    return true;
}

/* ---- route -----------------------------------------------------------------------------------*/

/* "from A to B" or "从A到B"; the caller frees both. */
static bool find_ends(const char *question, char **out_from, char **out_to)
{
    const char *from = strcasestr(question, "from ");
    const char *to = from == NULL ? NULL : strcasestr(from, " to ");
    const char *end;

    if (to != NULL) {
        from += 5;
        end = strcasestr(to + 4, " by ");
        *out_from = must_copy_bytes(from, (size_t)(to - from));
        to += 4;
        *out_to = must_copy_bytes(to, end != NULL ? (size_t)(end - to) : strcspn(to, "?!.,\n"));
        return true;
    }
    from = strstr(question, "从");
    to = from == NULL ? NULL : strstr(from, "到");
    if (to == NULL)
        return false;
    from += strlen("从");
    *out_from = must_copy_bytes(from, (size_t)(to - from));
    to += strlen("到");
    end = strstr(to, "怎么");
    if (end == NULL)
        end = strstr(to, "坐");
    if (end == NULL)
        end = strpbrk(to, "?!., \n");
    *out_to = must_copy_bytes(to, end == NULL ? strlen(to) : (size_t)(end - to));
    return true;
}

/* The location in a geocoder's answer, or NULL; owned by `*out_value`. */
static const char *location_in(const char *result, struct json_object **out_value)
{
    struct error ignored = {0};
    struct json_object *list = NULL;

    *out_value = json_parse(result, strlen(result), JSON_DEPTH_DEFAULT, &ignored);
    if (!json_object_is_type(*out_value, json_type_object))
        return NULL;
    list = json_get_array(*out_value, "results");
    if (list == NULL)
        list = json_get_array(*out_value, "return");
    if (list == NULL || json_object_array_length(list) == 0)
        return NULL;
    return json_get_string(json_object_array_get_idx(list, 0), "location", NULL);
}

static void plan_route(struct thought *thought, const char *from, const char *to)
{
    static const char *const geo_words[] = {"geo", "地理编码", NULL};
    static const char *const transit_words[] = {"transit", "公交", NULL};
    const char *geo = find_tool(thought, geo_words, "regeo");
    const char *transit = find_tool(thought, transit_words, NULL);
    const struct city *city = places_city_in(thought->question);
    const struct place *place = places_place_in(from);
    CLEANUP(json_cleanup) struct json_object *a = NULL;
    CLEANUP(json_cleanup) struct json_object *b = NULL;
    const char *result_a, *result_b, *at_a, *at_b, *name;

    if (geo == NULL || transit == NULL)
        return;
    if (city == NULL && place != NULL)
        city = places_city_by_adcode(place->adcode);
    name = city == NULL ? "杭州" : city->chinese;
    result_a = call(thought, geo, json_pack("{address:s,city:s}", from, name));
    result_b = call(thought, geo, json_pack("{address:s,city:s}", to, name));
    if (result_a == NULL || result_b == NULL)
        return;
    at_a = location_in(result_a, &a);
    at_b = location_in(result_b, &b);
    if (at_a == NULL || at_b == NULL) {
        say(thought,
            answer_route(from, to, at_a == NULL ? result_a : result_b, thought->is_chinese));
        return;
    }
    result_a = call(thought, transit,
                    json_pack("{origin:s,destination:s,city:s,cityd:s}", at_a, at_b, name, name));
    if (result_a != NULL)
        say(thought, answer_route(from, to, result_a, thought->is_chinese));
}

static bool want_route(struct thought *thought)
{
    CLEANUP(cleanup_free) char *from = NULL;
    CLEANUP(cleanup_free) char *to = NULL;

    if (!find_ends(thought->question, &from, &to))
        return false;
    plan_route(thought, from, to);
    return thought->plan->call_count > 0 || thought->answer.len > 0;
}

/* ---- the enterprise service, and tools called by name ----------------------------------------*/

static bool want_service(struct thought *thought)
{
    static const char *const asks[] = {"enterprise", "internal service", "企业服务", NULL};
    static const char *const tools[] = {"enterprise", "企业", NULL};
    const char *tool = find_tool(thought, tools, NULL);
    const char *result;

    if (!mentions(thought->question, asks) || tool == NULL)
        return false;
    result = call(thought, tool, json_pack("{}"));
    if (result != NULL)
        say(thought, answer_service(result, thought->is_chinese));
    return true;
}

/* A question that names an offered tool, with its arguments as JSON if it has any. */
static bool want_named(struct thought *thought)
{
    const char *brace = strchr(thought->question, '{');
    const char *end = strrchr(thought->question, '}');
    struct error ignored = {0};

    for (size_t i = 0;
         thought->request->tools != NULL && i < json_object_array_length(thought->request->tools);
         i++) {
        const char *name = json_get_string(function_at(thought->request, i), "name", NULL);
        struct json_object *arguments = NULL;
        const char *result;

        if (strstr(thought->question, name) == NULL)
            continue;
        if (brace != NULL && end != NULL && end > brace)
            arguments = json_parse(brace, (size_t)(end - brace) + 1, JSON_DEPTH_DEFAULT, &ignored);
        result = call(thought, name, arguments == NULL ? json_pack("{}") : arguments);
        if (result != NULL)
            say(thought, must_format("`%s`:\n\n> %s\n", name, result));
        return true;
    }
    return false;
}

/* ---- reading the conversation ----------------------------------------------------------------*/

static bool has_role(struct json_object *message, const char *role)
{
    const char *found = json_get_string(message, "role", NULL);

    return found != NULL && strcmp(found, role) == 0;
}

static void note_calls(struct thought *thought, size_t at)
{
    struct json_object *messages = thought->request->messages;
    struct json_object *calls =
        json_get_array(json_object_array_get_idx(messages, at), "tool_calls");

    for (size_t i = 0; calls != NULL && i < json_object_array_length(calls); i++) {
        struct json_object *made = json_object_array_get_idx(calls, i);
        const char *id = json_get_string(made, "id", NULL);

        for (size_t j = at + 1; j < json_object_array_length(messages); j++) {
            struct json_object *message = json_object_array_get_idx(messages, j);
            const char *answered = json_get_string(message, "tool_call_id", NULL);
            struct done *done = &thought->done[thought->done_count];

            if (answered == NULL || strcmp(answered, id) != 0 ||
                thought->done_count == DONE_MAX_COUNT)
                continue;
            done->name = json_get_string(json_get_object(made, "function"), "name", NULL);
            done->arguments = json_get_string(json_get_object(made, "function"), "arguments", NULL);
            done->result = model_message_text(message);
            thought->done_count++;
            break;
        }
    }
}

static void read_conversation(struct thought *thought)
{
    struct json_object *messages = thought->request->messages;
    size_t count = json_object_array_length(messages);
    size_t last = count;

    for (size_t i = 0; i < count; i++)
        if (has_role(json_object_array_get_idx(messages, i), "user"))
            last = i;
    thought->question = last == count
                            ? must_copy("")
                            : model_message_text(json_object_array_get_idx(messages, last));
    for (const char *c = thought->question; *c != '\0'; c++)
        if ((unsigned char)*c >= 0xe3 && (unsigned char)*c <= 0xe9)
            thought->is_chinese = true; /* CJK */
    for (size_t i = last; i < count; i++)
        note_calls(thought, i);
}

void plan_drop_calls(struct plan *plan, size_t keep_count)
{
    while (plan->call_count > keep_count) {
        plan->call_count--;
        free(plan->calls[plan->call_count].name);
        free(plan->calls[plan->call_count].arguments);
    }
}

void brain_plan(const struct model_request *request, struct plan *out_plan)
{
    struct thought thought = {.request = request, .plan = out_plan};
    bool is_understood;

    memset(out_plan, 0, sizeof *out_plan);
    buffer_init(&thought.answer, ANSWER_MAX_BYTES);
    read_conversation(&thought);
    is_understood = want_named(&thought);
    if (!is_understood) {
        bool is_weather = want_weather(&thought);
        bool is_route = want_route(&thought);
        bool is_service = want_service(&thought);

        is_understood = is_weather || is_route || is_service;
    }
    if (!request->is_parallel)
        plan_drop_calls(out_plan, 1);
    if (request->tool_choice == TOOL_CHOICE_NONE)
        plan_drop_calls(out_plan, 0);
    if (!is_understood || (out_plan->call_count == 0 && thought.answer.len == 0))
        say(&thought, answer_unknown(thought.question, thought.is_chinese));
    if (out_plan->call_count == 0)
        out_plan->content = must_have(buffer_take(&thought.answer, NULL));
    else
        out_plan->content = must_copy("");
    out_plan->reasoning =
        must_format(thought.is_chinese ? "（离线替身）%s" : "(Offline stand-in) %s",
                    out_plan->call_count > 0
                        ? (thought.is_chinese ? "需要先调用工具。" : "This needs a tool first.")
                        : (thought.is_chinese ? "可以直接回答。" : "This can be answered now."));
    buffer_clear(&thought.answer);
    for (size_t i = 0; i < thought.done_count; i++)
        free(thought.done[i].result);
    free(thought.question);
}

void plan_clear(struct plan *plan)
{
    plan_drop_calls(plan, 0);
    free(plan->reasoning);
    free(plan->content);
}
