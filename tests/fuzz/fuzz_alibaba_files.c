/* No profile file and no command line that stands in one crash the credential provider, whatever it
 * then tries with them. The first byte picks the file: the SDKs', the command line tool's, or a
 * command alone. */
#include "fuzz.h"

#include "credential-providers/alibaba-cloud/run.h"

#include <sesame/plugin_test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const struct sesame_plugin sesame_plugin_v1;

static void split(const uint8_t *bytes, size_t len)
{
    enum { WORD_COUNT = 8 };
    struct sesame_text words[WORD_COUNT];
    char *line = calloc(1, len + 1);
    size_t count = 0;

    memcpy(line, bytes, len);
    (void)command_split(line, words, WORD_COUNT, &count);
    for (size_t i = 0; i < count; i++)
        if (words[i].data < line || words[i].data + words[i].len > line + len)
            __builtin_trap();
    free(line);
}

/* With a key, all requests that it leads to go unanswered. */
static void fetch(const char *member, const uint8_t *bytes, size_t len)
{
    struct sesame_test_host *host = sesame_test_host_new(1);
    struct sesame_test_options options = {.may_block = 1};
    int fd = memfd_create("profile", MFD_CLOEXEC);
    struct sesame_test_instance *instance;
    char config[600];

    if (write(fd, bytes, len) != (ssize_t)len)
        abort();
    snprintf(
        config, sizeof config,
        "{\"idaasInstanceId\":\"i\",\"clientId\":\"c\",\"openApiEndpoint\":\"https://a.example\","
        "\"cliProfileFile\":\"/nowhere\",\"iniProfileFile\":\"/nowhere\","
        "\"ecsMetadataDisabled\":true,\"%s\":\"/proc/self/fd/%d\"}",
        member, fd);
    options.config = config;
    instance = sesame_test_create_provider(host, &sesame_plugin_v1, &options);
    if (instance != NULL) {
        struct sesame_test_call *call = sesame_test_fetch(instance, "svc|read", NULL);

        (void)sesame_test_wait(call);
    }
    sesame_test_host_free(host);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    if (bytes[0] == 'i')
        fetch("credentialsFile", bytes + 1, len - 1);
    else if (bytes[0] == 'c')
        fetch("cliProfileFile", bytes + 1, len - 1);
    else
        split(bytes + 1, len - 1);
    return 0;
}
