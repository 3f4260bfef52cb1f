/* sesame token: fetches one configured credential and says what came, without showing it. */
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/session.h"
#include "cli/worker.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "credential/credential_client.h"
#include "credential/token_binding.h"
#include "server/routes.h"

#include <stdio.h>
#include <string.h>

struct asked {
    struct session *session;
    const struct credential_config *config;
    bool reveals;
};

static const char *provider_of(const struct setup *setup, const struct credential_config *config)
{
    return config->provider == 0 ? authn_method_text(setup->idaas->method)
                                 : setup->host->providers[config->provider - 1].name;
}

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    struct asked *asked = arg;
    char fingerprint[13];

    if (credential == NULL) {
        fprintf(stderr, "sesame: %s%s\n", err->message,
                strcmp(err->name, "UserNeeded") == 0
                    ? ": put the access token of a user into SESAME_USER_TOKEN"
                    : "");
        session_end(asked->session, EXIT_FAILED);
        return;
    }
    secret_fingerprint(credential->secret, fingerprint);
    printf("credential   %s\nprovider     %s\n", asked->config->name,
           provider_of(&asked->session->setup, asked->config));
    if (credential->binding != NULL)
        printf("bound to     %s\n",
               credential->binding->proof_key != NULL ? "a key (DPoP)" : "the client certificate");
    if (asked->config->kind == CREDENTIAL_ACCESS_TOKEN)
        printf("scope        %s\n", asked->config->scope);
    else
        printf("identifier   %s\n", asked->config->identifier);
    for (size_t i = 0; i < asked->config->origin_count; i++)
        printf("origin       %s\n", asked->config->origins[i]);
    printf("fingerprint  %s\n", fingerprint);
    if (asked->reveals)
        printf("value        %s\n", secret_borrow(credential->secret, NULL));
    session_end(asked->session, EXIT_DONE);
}

int token_command(const struct command_line *line)
{
    struct session session;
    struct asked asked = {.session = &session, .reveals = line->reveals};
    struct credential_client *client;

    if (line->word_count != 1) {
        fprintf(stderr, "usage: sesame token CREDENTIAL [--reveal]\n");
        return EXIT_WRONG_USE;
    }
    if (session_open(&session, line, true)) {
        client = worker_server(session.worker)->agent.chat.credentials;
        asked.config = credential_find(client, slice_of(line->words[0]));
        if (asked.config == NULL) {
            fprintf(stderr, "sesame: there is no credential \"%s\" in the configuration\n",
                    line->words[0]);
            session.status = EXIT_WRONG_USE;
        } else {
            (void)credential_get(client, asked.config, session.subject,
                                 clock_monotonic_ms() + 30000, on_ready, &asked);
            session_run(&session);
        }
    }
    session_close(&session);
    return session.status;
}
