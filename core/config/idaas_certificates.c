/* Looks at the certificates of the IDaaS file (method PCA) before the service does. */
#include "config/idaas_private.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "config/reader.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static void cleanup_certificate(X509 **slot)
{
    X509_free(*slot);
}

/* The first certificate of a PEM text, which the caller frees; NULL when there is none. */
static X509 *first_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    ERR_clear_error();
    return certificate;
}

static bool holds_private_key(const struct place *authn, const char *key, const char *pem)
{
    struct problem *problem;

    if (strstr(pem, "PRIVATE KEY") == NULL)
        return false;
    problem = place_problem(authn, false, key);
    PROBLEM_SET(problem, what, "holds a private key (not shown)");
    PROBLEM_SET(problem, fix,
                "Keep certificates only, and put the key into the variable that "
                "privateKeyEnvVarName names.");
    return true;
}

/* Reads what must be one certificate or several; NULL when that was reported. */
static X509 *read_member(const struct place *authn, const char *key, const char *pem,
                         const char *code, const char *meaning)
{
    X509 *certificate;
    struct problem *problem;

    if (pem[0] == '\0') {
        idaas_missing(authn, key, code, meaning);
        return NULL;
    }
    if (holds_private_key(authn, key, pem))
        return NULL;
    certificate = first_certificate(pem);
    if (certificate != NULL)
        return certificate;
    problem = place_problem(authn, false, key);
    PROBLEM_SET(problem, code, "ClientX509CertificateNotValid");
    PROBLEM_SET(problem, what, "%s",
                strstr(pem, "-----BEGIN CERTIFICATE-----") == NULL
                    ? "no certificate in PEM"
                    : "a certificate that is damaged");
    PROBLEM_SET(problem, expected, "%s", meaning);
    PROBLEM_SET(problem, fix,
                "In JSON a line break of the PEM text is written \\n, and every line counts.");
    return NULL;
}

static void check_times(const struct place *authn, const X509 *certificate)
{
    time_t now = (time_t)clock_wall_s();
    bool is_expired = X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0;
    bool is_early = X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0;
    struct tm tm;
    struct problem *problem;

    if ((!is_expired && !is_early) || ASN1_TIME_to_tm(is_expired ? X509_get0_notAfter(certificate)
                                                                 : X509_get0_notBefore(certificate),
                                                      &tm) != 1)
        return;
    problem = place_problem(authn, true, "clientX509Certificate");
    PROBLEM_SET(problem, what, "%s on %04d-%02d-%02d by this machine's clock",
                is_expired ? "expired" : "becomes valid", tm.tm_year + 1900, tm.tm_mon + 1,
                tm.tm_mday);
    PROBLEM_SET(problem, fix, "%s",
                is_expired ? "Have a new certificate made, or set the clock."
                           : "Set the clock, or wait.");
}

static void check_chain(const struct place *authn, X509 *certificate, X509 *issuer)
{
    char name[120];
    struct problem *problem;

    if (X509_check_issued(issuer, certificate) == X509_V_OK &&
        X509_verify(certificate, X509_get0_pubkey(issuer)) == 1)
        return;
    ERR_clear_error();
    X509_NAME_oneline(X509_get_issuer_name(certificate), name, sizeof name);
    problem = place_problem(authn, true, "x509CertChains");
    PROBLEM_SET(problem, what, "its first certificate did not issue clientX509Certificate");
    PROBLEM_SET(problem, expected, "the certificate of %s", name);
}

void idaas_check_certificates(const struct place *authn, const struct idaas_config *config)
{
    CLEANUP(cleanup_certificate)
    X509 *certificate =
        read_member(authn, "clientX509Certificate", config->client_certificate,
                    "ClientX509CertificateNotFound", "the PEM text of the client certificate");
    CLEANUP(cleanup_certificate)
    X509 *issuer =
        read_member(authn, "x509CertChains", config->certificate_chain, "X509CertChainsNotFound",
                    "the PEM texts of the certificates between it and the root");

    if (certificate != NULL)
        check_times(authn, certificate);
    if (certificate != NULL && issuer != NULL)
        check_chain(authn, certificate, issuer);
}
