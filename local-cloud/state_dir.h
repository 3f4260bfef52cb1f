/* The folder that tells others how to reach the stand-in. */
#ifndef LOCAL_CLOUD_STATE_DIR_H
#define LOCAL_CLOUD_STATE_DIR_H

#include <stdbool.h>
#include <sys/types.h>

struct cloud;
struct error;

struct cloud_ports {
    int issuer, issuer_https, developer_api, developer_api_https, openapi, openapi_https, sts,
        sts_https, metadata, model, mcp, enterprise, control;
};

/* Where agent, page and metrics will be, for the files that name them. */
struct agent_places {
    const char *url, *page_url, *metrics_listen;
};

/* {"issuer":{"http":n,"https":n},...}; the caller frees it. */
char *ports_json(const struct cloud_ports *ports);

/* Writes a file under another name and renames it into place, so that nobody reads half of it. */
bool state_file_write(const char *folder, const char *name, mode_t mode, const char *text,
                      struct error *err);

/* Makes the folder when it is missing (mode 0700) and writes environment (0600),
 * client-config.json, sesame.json, ca.pem, config.js, ports.json and the folder clients into it.
 * Blanks and shell characters in the path are refused, because "environment" is meant to be read by
 * shells as well. `*out_path` is the absolute path, which the caller frees. */
bool state_dir_write(const char *path, struct cloud *cloud, const struct cloud_ports *ports,
                     const char *ca_pem, const struct agent_places *agent, char **out_path,
                     struct error *err);

#endif
