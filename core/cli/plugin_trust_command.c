/* sesame plugin digest|sign|verify FILE.so: what the operator pins, and how an author vouches. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "plugin/library.h"
#include "plugin/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

DEFINE_CLEANUP(cleanup_manifest, struct plugin_manifest, plugin_manifest_free)

static bool print_digest(const char *file, struct error *err)
{
    CLEANUP(cleanup_close) int fd = open(file, O_RDONLY | O_CLOEXEC);
    char digest[DIGEST_TEXT_SIZE];

    if (fd < 0)
        return error_set(err, ERROR_NOT_FOUND, "%s cannot be opened: %s", file, strerror(errno));
    if (!plugin_trust_digest(fd, digest, err))
        return error_prefix(err, "%s", file);
    printf("%s\n", digest);
    return true;
}

static bool sign_or_verify(const char *file, const char *key, bool is_sign, struct error *err)
{
    CLEANUP(cleanup_manifest) struct plugin_manifest *manifest = plugin_manifest_beside(file, err);

    if (manifest == NULL)
        return error_prefix(err, "the manifest beside %s", file);
    if (is_sign ? !plugin_trust_sign(manifest, key, err) : !plugin_trust_verify(manifest, key, err))
        return false;
    printf(is_sign ? "wrote %s/%s.sig\n" : "%s/%s is signed by that key, and so is its manifest\n",
           manifest->directory, manifest->file);
    return true;
}

int plugin_trust_command(const struct command_line *line)
{
    bool is_digest = strcmp(line->words[0], "digest") == 0;
    bool is_sign = strcmp(line->words[0], "sign") == 0;
    struct error err = {0};
    bool ok;

    if (!is_digest && line->key == NULL) {
        fprintf(stderr, "sesame: --key FILE.pem is missing: an Ed25519 %s key\n",
                is_sign ? "private" : "public");
        return EXIT_WRONG_USE;
    }
    ok = is_digest ? print_digest(line->words[1], &err)
                   : sign_or_verify(line->words[1], line->key, is_sign, &err);
    if (!ok)
        fprintf(stderr, "sesame: %s\n", err.message);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
