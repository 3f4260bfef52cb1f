/* The list of configuration faults. */
#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

void problems_init(struct problems *problems)
{
    memset(problems, 0, sizeof *problems);
}

void problems_clear(struct problems *problems)
{
    free(problems->items);
    problems_init(problems);
}

static struct problem *next_slot(struct problems *problems)
{
    static _Thread_local struct problem spare;
    struct problem *grown;

    if (problems->count >= PROBLEMS_MAX_COUNT) {
        problems->is_cut = true;
        return &spare;
    }
    grown = reallocarray(problems->items, problems->count + 1, sizeof *grown);
    if (grown == NULL) {
        problems->is_cut = true;
        return &spare;
    }
    problems->items = grown;
    return &grown[problems->count++];
}

struct problem *problems_add(struct problems *problems, bool is_warning, const char *file,
                             const char *path)
{
    struct problem *problem = next_slot(problems);

    memset(problem, 0, sizeof *problem);
    problem->is_warning = is_warning;
    PROBLEM_SET(problem, code, "%s", PROBLEM_CODE_DEFAULT);
    PROBLEM_SET(problem, file, "%s", file);
    PROBLEM_SET(problem, path, "%s", path);
    if (!is_warning)
        problems->error_count++;
    return problem;
}

void problem_text(char *out, size_t out_size, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(out, out_size, format, args);
    va_end(args);
    if (len < 0)
        out[0] = '\0';
    else if ((size_t)len >= out_size)
        out[utf8_prefix(out, out_size - 1, out_size - 1)] = '\0';
    for (char *at = out; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
}

static bool add_part(struct buffer *out, const char *before, const char *text, struct error *err)
{
    return text[0] == '\0' || buffer_printf(out, err, "%s%s", before, text);
}

static bool ends_in_stop(const struct buffer *out)
{
    return out->len > 0 && out->data[out->len - 1] == '.';
}

/* A clause that names the variable itself needs no second mention. */
static bool add_variable(const struct problem *problem, struct buffer *out, struct error *err)
{
    return problem->variable[0] == '\0' || strstr(problem->what, problem->variable) != NULL ||
           buffer_printf(out, err, " (%s)", problem->variable);
}

bool problem_format(const struct problem *problem, struct buffer *out, struct error *err)
{
    return buffer_add_text(out, problem->file, err) && add_part(out, ": ", problem->path, err) &&
           add_variable(problem, out, err) && add_part(out, ": ", problem->what, err) &&
           add_part(out, "; found ", problem->found, err) &&
           add_part(out, "; expected ", problem->expected, err) &&
           add_part(out, ends_in_stop(out) ? " " : ". ", problem->fix, err) &&
           buffer_printf(out, err, " [%s]", problem->code);
}

const struct problem *problems_find(const struct problems *problems, const char *code)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (strcmp(problems->items[i].code, code) == 0)
            return &problems->items[i];
    }
    return NULL;
}
