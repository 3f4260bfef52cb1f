/* Both configuration files, from any bytes: problems are listed, nothing breaks. */
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "config/problems.h"

#include "fuzz.h"

static const char *no_variable(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'A' ? "value" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config_source source = {.get_env = no_variable};
    struct problems problems;
    struct host_config *host;
    struct idaas_config *idaas;

    problems_init(&problems);
    host = host_config_parse("sesame.json", (const char *)data, size, &source, &problems);
    idaas = idaas_config_parse("client-config.json", (const char *)data, size, &source, &problems);
    if ((host == NULL || idaas == NULL) && problems.error_count == 0)
        __builtin_trap();
    host_config_free(host);
    idaas_config_free(idaas);
    problems_clear(&problems);
    return 0;
}
