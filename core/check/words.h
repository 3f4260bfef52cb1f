/* What is wrong with a text, in words: ids, names and sentences that people or models read. */
#ifndef SESAME_CHECK_WORDS_H
#define SESAME_CHECK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a list that ends with NULL has `word`. */
bool words_have(const char *const *list, const char *word);

/* NULL when it is right, else what is wrong; static. */
const char *words_id_fault(const char *id);                             /* [a-z0-9-]{1,64} */
const char *words_interface_fault(const char *id);                      /* name.of.parts/N */
const char *words_text_fault(const char *text, size_t len, size_t max); /* plain, UTF-8 */

#endif
