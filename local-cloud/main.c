/* sesame-local-cloud: starts the services of the offline stand-in and runs until a signal. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "local-cloud/cloud.h"
#include "local-cloud/memory.h"
#include "local-cloud/options.h"
#include "local-cloud/player.h"
#include "local-cloud/service.h"
#include "local-cloud/state_dir.h"
#include "local-cloud/tls_identity.h"
#include "net/loop.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SERVICE_COUNT = 13, EXIT_WRONG_USE = 2, ARENA_BYTES = 1 << 20 };

#define PAGE_URL "http://127.0.0.1:9001/"

struct server {
    struct loop *loop;
    struct cloud *cloud;
    SSL_CTX *tls;
    char *ca_pem;
    struct service *services[SERVICE_COUNT];
    struct loop_signal *on_term, *on_int;
};

static void stop(void *arg)
{
    struct server *server = arg;

    loop_stop(server->loop);
}

static bool start_services(struct server *server, struct cloud_ports *ports, struct error *err)
{
    const struct {
        const char *name;
        enum service_kind kind;
        int *port;
        bool is_tls;
    } wanted[SERVICE_COUNT] = {
        {"issuer", SERVICE_ISSUER, &ports->issuer, false},
        {"issuer-https", SERVICE_ISSUER, &ports->issuer_https, true},
        {"developer-api", SERVICE_DEVELOPER_API, &ports->developer_api, false},
        {"developer-api-https", SERVICE_DEVELOPER_API, &ports->developer_api_https, true},
        {"openapi", SERVICE_OPENAPI, &ports->openapi, false},
        {"openapi-https", SERVICE_OPENAPI, &ports->openapi_https, true},
        {"sts", SERVICE_STS, &ports->sts, false},
        {"sts-https", SERVICE_STS, &ports->sts_https, true},
        {"metadata", SERVICE_METADATA, &ports->metadata, false},
        {"model", SERVICE_MODEL, &ports->model, false},
        {"mcp", SERVICE_MCP, &ports->mcp, false},
        {"enterprise", SERVICE_ENTERPRISE, &ports->enterprise, false},
        {"control", SERVICE_CONTROL, &ports->control, false},
    };

    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        server->services[i] =
            service_new(server->loop, server->cloud, wanted[i].kind, *wanted[i].port,
                        wanted[i].is_tls ? server->tls : NULL, err);
        if (server->services[i] == NULL)
            return error_prefix(err, "service %s", wanted[i].name);
        *wanted[i].port = service_port(server->services[i]);
    }
    return true;
}

static void allow_pages(struct realm *realm, const struct options *options)
{
    for (size_t i = 0; i < options->page_url_count; i++)
        realm_allow_redirect(realm, options->page_urls[i]);
    if (options->page_url_count > 0)
        return;
    realm_allow_redirect(realm, PAGE_URL);
    realm_allow_redirect(realm, "http://127.0.0.1:9002/");
}

static bool start(struct server *server, const struct options *options, struct error *err)
{
    const struct agent_places agent = {
        options->agent_url, options->page_url_count == 0 ? PAGE_URL : options->page_urls[0],
        options->metrics_listen};
    struct cloud_ports ports = options->ports;
    CLEANUP(cleanup_free) char *https = NULL;
    CLEANUP(cleanup_free) char *http = NULL;
    CLEANUP(cleanup_free) char *folder = NULL;

    if (!secret_arena_open(ARENA_BYTES, false, NULL, err))
        return false;
    server->loop = loop_new(err);
    server->cloud = server->loop == NULL ? NULL : cloud_new(options->secret_prefix, err);
    server->tls = server->cloud == NULL ? NULL : tls_identity_new(&server->ca_pem, err);
    if (server->tls == NULL)
        return false;
    server->cloud->player = player_new(server->loop, server->cloud->journal);
    server->on_term = loop_signal_new(server->loop, SIGTERM, stop, server, err);
    if (server->on_term == NULL)
        return false;
    /* Ctrl-C goes to the parent too: it decides when this ends, with its open turns behind it. */
    if (options->exits_with_parent)
        signal(SIGINT, SIG_IGN);
    else if ((server->on_int = loop_signal_new(server->loop, SIGINT, stop, server, err)) == NULL)
        return false;
    if (!start_services(server, &ports, err))
        return false;
    https = must_format("https://127.0.0.1:%d", ports.issuer_https);
    http = must_format("http://127.0.0.1:%d", ports.issuer);
    realm_set_origin(&server->cloud->realm, https, http);
    allow_pages(&server->cloud->realm, options);
    server->cloud->ports_json = ports_json(&ports);
    if (options->state_dir != NULL && !state_dir_write(options->state_dir, server->cloud, &ports,
                                                       server->ca_pem, &agent, &folder, err))
        return false;
    printf(
        "sesame-local-cloud (offline stand-in) ready: control=http://127.0.0.1:%d state_dir=%s\n",
        ports.control, folder == NULL ? "-" : folder);
    return fflush(stdout) == 0 || error_set(err, ERROR_INTERNAL, "cannot write to standard output");
}

static void shut_down(struct server *server)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++)
        service_free(server->services[i]);
    if (server->cloud != NULL && server->cloud->player != NULL)
        player_free(server->cloud->player);
    cloud_free(server->cloud);
    if (server->on_term != NULL)
        loop_signal_free(server->on_term);
    if (server->on_int != NULL)
        loop_signal_free(server->on_int);
    SSL_CTX_free(server->tls);
    free(server->ca_pem);
    if (server->loop != NULL)
        loop_free(server->loop);
}

int main(int argc, char **argv)
{
    struct server server = {0};
    struct options options;
    struct error err = {0};
    pid_t parent = getppid();
    bool is_started;

    if (!options_read(argc, argv, &options, &err)) {
        fprintf(stderr, "sesame-local-cloud: %s\n", err.message);
        return EXIT_WRONG_USE;
    }
    if (options.wants_help || options.wants_version) {
        fputs(options.wants_help ? options_help : PACKAGE_STRING " local cloud\n", stdout);
        return 0;
    }
    /* The parent may have gone before the kernel knew that we care. */
    if (options.exits_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    is_started = start(&server, &options, &err);
    if (is_started)
        loop_run(server.loop);
    else
        fprintf(stderr, "sesame-local-cloud: %s\n", err.message);
    shut_down(&server);
    return is_started ? 0 : EXIT_FAILURE;
}
