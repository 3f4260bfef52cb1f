/* Words for what the tools of the stand-in answered. */
#ifndef LOCAL_CLOUD_BRAIN_ANSWER_H
#define LOCAL_CLOUD_BRAIN_ANSWER_H

#include <stdbool.h>

/* Markdown sentences in English or Chinese; the caller frees them. A result that does not have the
 * expected shape is quoted. */
char *answer_weather(const char *city, const char *result, bool is_chinese);
char *answer_route(const char *from, const char *to, const char *result, bool is_chinese);
char *answer_service(const char *result, bool is_chinese);
char *answer_unknown(const char *question, bool is_chinese);

#endif
