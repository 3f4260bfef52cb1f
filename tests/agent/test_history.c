/* What is left of a conversation that was too long: half of it, in whole rounds. */
#include "agent/history.h"

#include "../support/run.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* A conversation is written as one letter a message: s system, u user, a assistant, c assistant
 * with one call, t the answer to it; upper case: 1000 bytes longer. */
static struct json_object *conversation(const char *letters)
{
    static const char *const roles[] = {"system", "user", "assistant", "assistant", "tool"};
    static const char all[] = "suact", large[] = "SUACT";
    struct json_object *messages = json_object_new_array();
    char text[1100], id[32] = "";

    for (size_t i = 0; letters[i] != '\0'; i++) {
        const char *small = strchr(all, letters[i]);
        size_t kind = (size_t)(small != NULL ? small - all : strchr(large, letters[i]) - large);
        struct json_object *message = json_object_new_object();

        snprintf(text, sizeof text, "%zu%*s", i, small != NULL ? 1 : 1000, "");
        json_object_object_add(message, "role", json_object_new_string(roles[kind]));
        json_object_object_add(message, "content", json_object_new_string(text));
        if (kind == 3) {
            struct json_object *calls = json_object_new_array(), *call = json_object_new_object();

            snprintf(id, sizeof id, "call_%zu", i);
            json_object_object_add(call, "id", json_object_new_string(id));
            json_object_array_add(calls, call);
            json_object_object_add(message, "tool_calls", calls);
        }
        if (kind == 4)
            json_object_object_add(message, "tool_call_id", json_object_new_string(id));
        json_object_array_add(messages, message);
    }
    return messages;
}

static const char *member(struct json_object *message, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(message, name, &value) ? json_object_get_string(value) : "";
}

/* The numbers of the messages that are left, and every answer behind its call. */
static void expect(const char *letters, const char *left)
{
    struct json_object *messages = conversation(letters);
    size_t before = json_object_array_length(messages), dropped = history_shorten(messages);
    char numbers[200] = "", id[32] = "none";

    for (size_t i = 0; i < json_object_array_length(messages); i++) {
        struct json_object *message = json_object_array_get_idx(messages, i), *calls;
        size_t used = strlen(numbers);

        snprintf(numbers + used, sizeof numbers - used, "%s%.*s", used > 0 ? " " : "",
                 (int)strcspn(member(message, "content"), " "), member(message, "content"));
        if (json_object_object_get_ex(message, "tool_calls", &calls))
            snprintf(id, sizeof id, "%s", member(json_object_array_get_idx(calls, 0), "id"));
        if (strcmp(member(message, "role"), "tool") == 0)
            ck_assert_msg(strcmp(member(message, "tool_call_id"), id) == 0,
                          "%s: the answer %zu stands without its call", letters, i);
    }
    ck_assert_msg(strcmp(numbers, left) == 0, "%s: %s is left, expected %s", letters, numbers,
                  left);
    ck_assert_uint_eq(dropped, before - json_object_array_length(messages));
    json_object_put(messages);
}

START_TEST(the_oldest_rounds_go_until_half_is_left)
{
    expect("suAuAuAu", "0 5 6 7");
    expect("suAuauau", "0 3 4 5 6 7");
    expect("suauAu", "0 5");
    expect("sUaUaUaU", "0 5 6 7");
}
END_TEST

START_TEST(a_round_goes_with_all_its_calls_and_answers)
{
    expect("sucTctauAu", "0 7 8 9");
    expect("suctcTauCTau", "0 11");
}
END_TEST

START_TEST(instructions_and_the_newest_question_stay_however_large)
{
    expect("SU", "0 1");
    expect("SuaSuaU", "0 3 6");
    expect("suasU", "0 3 4");
}
END_TEST

START_TEST(of_the_running_turn_the_last_tool_round_stays)
{
    expect("suauctcTcT", "0 3 8 9");
    expect("sucT", "0 1 2 3");
    expect("suctctcTcTcTcTcT", "0 1 12 13 14 15");
    expect("suctttcttT", "0 1 6 7 8 9");
}
END_TEST

START_TEST(a_greeting_before_the_first_question_is_a_round_of_its_own)
{
    expect("sAuau", "0 2 3 4");
}
END_TEST

START_TEST(without_a_question_nothing_goes)
{
    expect("saAaA", "0 1 2 3 4");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_oldest_rounds_go_until_half_is_left,
        a_round_goes_with_all_its_calls_and_answers,
        instructions_and_the_newest_question_stay_however_large,
        of_the_running_turn_the_last_tool_round_stays,
        a_greeting_before_the_first_question_is_a_round_of_its_own,
        without_a_question_nothing_goes,
        NULL,
    };

    return run_tests("history", tests, NULL, NULL);
}
