/* What is wrong with a text, in words: ids, names and sentences that people or models read. */
#include "check/words.h"

#include "base/text.h"
#include "base/text_clean.h"

#include <stdlib.h>
#include <string.h>

bool words_have(const char *const *list, const char *word)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

const char *words_id_fault(const char *id)
{
    size_t len = strlen(id);

    if (len < 1 || len > 64)
        return "it has not 1 to 64 letters";
    return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len
               ? NULL
               : "it has others than a-z, 0-9 and '-'";
}

const char *words_interface_fault(const char *id)
{
    size_t name = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789.-");
    int64_t revision;

    if (name == 0 || id[name] != '/')
        return "it is no name and revision, such as sesame.tool/1";
    return parse_int64(id + name + 1, strlen(id + name + 1), &revision) && revision > 0
               ? NULL
               : "its revision is no number from 1 on";
}

const char *words_text_fault(const char *text, size_t len, size_t max)
{
    char *copy;
    size_t kept;

    if (len == 0 || len > max)
        return len == 0 ? "is empty" : "is too long";
    if (!utf8_is_valid(text, len))
        return "is no UTF-8";
    if (memchr(text, '\0', len) != NULL)
        return "holds a NUL";
    copy = malloc(len + 1);
    if (copy == NULL)
        return "could not be looked at: no memory";
    memcpy(copy, text, len);
    kept = text_clean(copy, len);
    free(copy);
    return kept == len ? NULL
                       : "holds control characters, marks that hide or turn text, or <|words|> by "
                         "which models mark who speaks";
}
