/* The log of a scripted host: each record goes to the test, scrubbed as the real one is. */
#include "base/log.h"

#include "base/secret.h"
#include "script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One log for the process, as the real one is; set before a plugin runs. */
static void (*take_record)(void *arg, const struct sesame_test_log *record);
static void *take_arg;

void script_log_to(void (*take)(void *arg, const struct sesame_test_log *record), void *arg)
{
    take_record = take;
    take_arg = arg;
}

bool log_enabled(enum log_level level)
{
    (void)level;
    return take_record != NULL;
}

static void add(char **text, const char *more, size_t len)
{
    size_t had = strlen(*text);
    char *grown = realloc(*text, had + len + 1);

    if (grown == NULL)
        script_refuse("no memory for a log record");
    memcpy(grown + had, more, len);
    grown[had + len] = '\0';
    *text = grown;
}

static void add_field(char **text, const struct log_field *field)
{
    char number[32];

    if ((*text)[0] != '\0')
        add(text, " ", 1);
    add(text, field->name, strlen(field->name));
    add(text, "=", 1);
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        add(text, field->text, strlen(field->text));
        break;
    case LOG_FIELD_BYTES:
        add(text, field->text, field->len);
        break;
    case LOG_FIELD_INT:
    case LOG_FIELD_BOOL:
        (void)snprintf(number, sizeof number, "%" PRId64, field->number);
        add(text, number, strlen(number));
        break;
    }
}

void log_write(enum log_level level, const char *area, const char *message,
               const struct log_field *fields, size_t field_count)
{
    struct sesame_test_log record = {.level = (int32_t)level, .is_host = 1};
    char *copy = script_text(message), *text = script_text("");
    const struct log_field *of_plugin = NULL;

    (void)area;
    /* Only a plugin's own record has this field. */
    for (size_t i = 0; i < field_count; i++)
        if (strcmp(fields[i].name, "fields") == 0)
            of_plugin = &fields[i];
    if (of_plugin != NULL)
        add(&text, of_plugin->text, of_plugin->len);
    for (size_t i = 0; i < field_count && of_plugin == NULL; i++)
        add_field(&text, &fields[i]);
    secret_occurs_in(copy, strlen(copy), true);
    secret_occurs_in(text, strlen(text), true);
    record.is_host = of_plugin == NULL;
    record.message = copy;
    record.fields = text;
    if (take_record != NULL)
        take_record(take_arg, &record);
    free(copy);
    free(text);
}
