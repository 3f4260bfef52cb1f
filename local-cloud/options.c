/* The command line of sesame-local-cloud. */
#include "local-cloud/options.h"

#include "base/error.h"
#include "base/text.h"

#include <getopt.h>
#include <string.h>

const char options_help[] =
    "usage: sesame-local-cloud [option]...\n\n"
    "An offline stand-in for everything the agent talks to: the identity service with its sign-in\n"
    "page, the credential vault, a model, a map service (MCP) and an enterprise service. It "
    "listens\n"
    "on 127.0.0.1 only. For trying and testing, never for real users.\n\n"
    "  --state-dir DIR        write environment, client-config.json, sesame.json, ca.pem,\n"
    "                         config.js and ports.json into DIR (made when missing)\n"
    "  --port NAME=PORT       fix a port; the kernel chooses the others. Names: issuer,\n"
    "                         issuer-https, developer-api, developer-api-https, openapi,\n"
    "                         openapi-https, sts, sts-https, metadata, model, mcp,\n"
    "                         enterprise, control\n"
    "  --agent-url URL        where the agent will be (default http://127.0.0.1:9002)\n"
    "  --page-url URL         where the page will be; may be repeated (default\n"
    "                         http://127.0.0.1:9001/ and http://127.0.0.1:9002/)\n"
    "  --metrics-listen ADDRESS  for sesame.json (default 127.0.0.1:9003)\n"
    "  --secret-prefix TEXT   secrets begin with TEXT, so that tests recognise them\n"
    "  --exit-with-parent     end when the process that started this one ends\n"
    "  --help, --version\n\n"
    "It prints one line when it is ready and ends on SIGTERM or SIGINT.\n";

struct port_name {
    const char *name;
    size_t offset;
};

static const struct port_name port_names[] = {
    {"issuer", offsetof(struct cloud_ports, issuer)},
    {"issuer-https", offsetof(struct cloud_ports, issuer_https)},
    {"developer-api", offsetof(struct cloud_ports, developer_api)},
    {"developer-api-https", offsetof(struct cloud_ports, developer_api_https)},
    {"openapi", offsetof(struct cloud_ports, openapi)},
    {"openapi-https", offsetof(struct cloud_ports, openapi_https)},
    {"sts", offsetof(struct cloud_ports, sts)},
    {"sts-https", offsetof(struct cloud_ports, sts_https)},
    {"metadata", offsetof(struct cloud_ports, metadata)},
    {"model", offsetof(struct cloud_ports, model)},
    {"mcp", offsetof(struct cloud_ports, mcp)},
    {"enterprise", offsetof(struct cloud_ports, enterprise)},
    {"control", offsetof(struct cloud_ports, control)},
};

static bool read_port(struct cloud_ports *ports, const char *text, struct error *err)
{
    struct slice rest = slice_of(text);
    struct slice name = slice_cut(&rest, '=');
    int64_t number;
    int port;

    if (!parse_int64(rest.data, rest.len, &number) || number < 0 || number > 65535)
        return error_set(err, ERROR_BAD_INPUT,
                         "--port %.60s: expected NAME=PORT with a port from 0 to 65535", text);
    port = (int)number;
    for (size_t i = 0; i < sizeof port_names / sizeof port_names[0]; i++)
        if (slice_equal_text(name, port_names[i].name)) {
            memcpy((char *)ports + port_names[i].offset, &port, sizeof port);
            return true;
        }
    return error_set(err, ERROR_BAD_INPUT,
                     "--port: there is no port named %.*s; see --help for the names",
                     (int)(name.len < 40 ? name.len : 40), name.data);
}

static bool is_plain_url(const char *url)
{
    /* The address goes into JavaScript between quotes. */
    return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
           strpbrk(url, " \t\r\n'\"\\<>") == NULL;
}

static bool read_option(int name, const char *value, struct options *options, struct error *err)
{
    switch (name) {
    case 's':
        options->state_dir = value;
        return true;
    case 'p':
        return read_port(&options->ports, value, err);
    case 'a':
        options->agent_url = value;
        if (!is_plain_url(value))
            return error_set(err, ERROR_BAD_INPUT, "--agent-url: %.80s is no http(s) URL", value);
        return true;
    case 'm':
        options->metrics_listen = value;
        if (strpbrk(value, " \t\r\n'\"\\") != NULL)
            return error_set(err, ERROR_BAD_INPUT, "--metrics-listen: %.80s is no address", value);
        return true;
    case 'g':
        if (!is_plain_url(value) || options->page_url_count == PAGE_URL_MAX_COUNT)
            return error_set(err, ERROR_BAD_INPUT,
                             "--page-url: %.80s is no http(s) URL, or one too many", value);
        options->page_urls[options->page_url_count++] = value;
        return true;
    case 'x':
        options->secret_prefix = value;
        if (value[strspn(value,
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_-")] != '\0')
            return error_set(err, ERROR_BAD_INPUT,
                             "--secret-prefix: only letters, digits, _ and -");
        return true;
    case 'e':
        options->exits_with_parent = true;
        return true;
    case 'h':
        options->wants_help = true;
        return true;
    case 'v':
        options->wants_version = true;
        return true;
    default:
        return error_set(err, ERROR_BAD_INPUT, "see --help"); /* getopt named the option */
    }
}

bool options_read(int argc, char **argv, struct options *out_options, struct error *err)
{
    static const struct option known[] = {
        {"state-dir", required_argument, NULL, 's'},
        {"port", required_argument, NULL, 'p'},
        {"agent-url", required_argument, NULL, 'a'},
        {"page-url", required_argument, NULL, 'g'},
        {"metrics-listen", required_argument, NULL, 'm'},
        {"secret-prefix", required_argument, NULL, 'x'},
        {"exit-with-parent", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.agent_url = "http://127.0.0.1:9002",
                              .metrics_listen = "127.0.0.1:9003"};
    int name;

    while ((name = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (!read_option(name, optarg, &options, err))
            return false;
    if (optind < argc)
        return error_set(err, ERROR_BAD_INPUT, "unexpected argument %.60s; see --help",
                         argv[optind]);
    *out_options = options;
    return true;
}
