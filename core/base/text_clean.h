/* Text from a tool, made fit for a model: what shows as nothing or as something else goes. */
#ifndef SESAME_BASE_TEXT_CLEAN_H
#define SESAME_BASE_TEXT_CLEAN_H

#include <stddef.h>

/* Takes out, in place, what can hide in a text or pretend to be more than text, and returns the
 * length that is left:
 *   control characters but tab, LF and CR, C1 ones and DEL included
 *   the marks that turn the direction of writing (U+202A to 202E, U+2066 to 2069), and characters
 *     that show as nothing: U+FEFF, U+FFF9 to FFFB, the tags U+E0000 to E007F
 *   bytes that are no UTF-8 become '?'
 *   the bars of words such as <|im_start|>, by which models mark who speaks, become blanks. */
size_t text_clean(char *text, size_t len);

#endif
