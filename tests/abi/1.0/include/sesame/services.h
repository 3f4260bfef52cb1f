/* What the host offers its plugins. Each table is frozen under its id; ask for it once, in
 * `create`, with host->get_service(host, ID), and keep the pointer. All functions are [home] unless
 * they say [any-thread]. */
#ifndef SESAME_SERVICES_H
#define SESAME_SERVICES_H

#include <sesame/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SESAME_LOG_V1 "sesame.log/1"
#define SESAME_CLOCK_V1 "sesame.clock/1"
#define SESAME_RANDOM_V1 "sesame.random/1"
#define SESAME_LOOP_V1 "sesame.loop/1"
#define SESAME_JSON_V1 "sesame.json/1"
#define SESAME_SSE_V1 "sesame.sse/1"
#define SESAME_HTTP_V1 "sesame.http/1"
#define SESAME_CREDENTIALS_V1 "sesame.credentials/1"
#define SESAME_SECRET_V1 "sesame.secret/1"
#define SESAME_SIGN_V1 "sesame.sign/1"
#define SESAME_PLATFORM_CREDENTIALS_V1 "sesame.platform-credentials/1"

/* ---- log ---------------------------------------------------------------------------------- */

enum { SESAME_LOG_DEBUG = 0, SESAME_LOG_INFO = 1, SESAME_LOG_WARN = 2, SESAME_LOG_ERROR = 3 };

struct sesame_log_v1 {
    /* One record. `fields` is a JSON object or empty. The host adds time, plugin and instance, and
     * scrubs. Finished text only: there are no formats here. */
    void (*write)(const struct sesame_host *host, int32_t level, struct sesame_text message,
                  struct sesame_text fields);

    /* The text that goes with the failure status about to be returned by `create`. One word with a
     * capital first and a colon in front, "NotSupportedWebKey: ...", is its stable name. */
    void (*explain)(const struct sesame_host *host, struct sesame_text message);
};

/* ---- clock, random ------------------------------------------------------------------------ */

struct sesame_clock_v1 {
    int64_t (*monotonic_ms)(const struct sesame_host *host);
    int64_t (*wall_ms)(const struct sesame_host *host); /* since 1970 */
};

struct sesame_random_v1 {
    void (*bytes)(const struct sesame_host *host, void *out, size_t len);
};

/* ---- loop: timers, other threads ---------------------------------------------------------- */

struct sesame_loop_v1 {
    /* Calls `fn(instance, tag)` once, after `delay_ms`. 0 when there are too many timers. */
    uint64_t (*timer_start)(const struct sesame_host *host, int64_t delay_ms,
                            void (*fn)(struct sesame_instance *instance, uint64_t tag),
                            uint64_t tag);

    /* After it `fn` is not called. */
    void (*timer_cancel)(const struct sesame_host *host, uint64_t timer);

    /* [any-thread] Calls `fn(instance, tag)` on the home thread. SESAME_CANCELLED once the instance
     * is going away: `fn` will not be called. */
    int32_t (*post)(const struct sesame_host *host,
                    void (*fn)(struct sesame_instance *instance, uint64_t tag), uint64_t tag);

    /* The farewell is over, after `stop` returned SESAME_PENDING. */
    void (*stopped)(const struct sesame_host *host);
};

/* ---- strict JSON -------------------------------------------------------------------------- */

struct sesame_json_v1 {
    /* RFC 8259 to the letter: valid UTF-8, no member twice, no trailing bytes, no lone surrogates,
     * nesting at most `max_depth`. On failure `*out_message` says what and where; it is valid until
     * the next call of this service. */
    int32_t (*check)(const struct sesame_host *host, struct sesame_text json, int32_t max_depth,
                     struct sesame_text *out_message);

    /* In checked JSON: the raw text of the value at an RFC 6901 pointer ("" is the whole), a part
     * of `json` itself. SESAME_NOT_FOUND when there is none. */
    int32_t (*find)(const struct sesame_host *host, struct sesame_text json,
                    struct sesame_text pointer, struct sesame_text *out_value);

    /* In a checked object or array: the next member. Start with `*position` 0. `*out_name` is the
     * raw literal with quotes, empty in arrays. SESAME_NOT_FOUND at the end. */
    int32_t (*next)(const struct sesame_host *host, struct sesame_text container, size_t *position,
                    struct sesame_text *out_name, struct sesame_text *out_value);

    /* A raw string literal, with quotes, into its characters: never longer than the literal.
     * SESAME_LIMIT when `out_capacity` is too small; SESAME_BAD_INPUT when it is no string. */
    int32_t (*unquote)(const struct sesame_host *host, struct sesame_text literal, char *out,
                       size_t out_capacity, size_t *out_len);

    /* Text into a literal with quotes: at most 6 * len + 2 bytes. Invalid UTF-8 becomes U+FFFD. */
    int32_t (*quote)(const struct sesame_host *host, struct sesame_text text, char *out,
                     size_t out_capacity, size_t *out_len);
};

/* ---- server-sent events ------------------------------------------------------------------- */

struct sesame_sse_event {
    struct sesame_text type; /* "message" when the stream names none */
    struct sesame_text data; /* lines joined by LF; may be empty */
    struct sesame_text id;   /* the last event id of the stream so far */
    int64_t retry_ms;        /* the stream's reconnection time so far, -1 when it named none */
};

struct sesame_sse_v1 {
    /* A reader for one stream, after the HTML standard. 0 when there are too many. An event with
     * more than `event_max_bytes` ends the stream with SESAME_LIMIT. */
    uint64_t (*open)(const struct sesame_host *host, size_t event_max_bytes);

    /* Feeds bytes as they came; calls `on_event` during this call for each event that is complete.
     * An event with an id or retry and no data at all is not dispatched, but takes effect. */
    int32_t (*feed)(const struct sesame_host *host, uint64_t sse, struct sesame_text bytes,
                    void (*on_event)(struct sesame_instance *instance, uint64_t tag,
                                     const struct sesame_sse_event *event),
                    uint64_t tag);

    /* What the stream said last, dispatched or not. `out_event->data` is empty. Valid until the
     * next call on this reader. */
    int32_t (*state)(const struct sesame_host *host, uint64_t sse,
                     struct sesame_sse_event *out_event);

    void (*close)(const struct sesame_host *host, uint64_t sse);
};

/* ---- HTTP --------------------------------------------------------------------------------- */

enum {
    SESAME_FIELD_PLAIN = 0,  /* `value` */
    SESAME_FIELD_SECRET = 1, /* `value`, then the secret's bytes */
    SESAME_FIELD_BASIC = 2   /* header only: "Basic " + base64(value ":" secret) */
};

/* A header or a form field. No CR, LF or NUL in a header. */
struct sesame_http_field {
    struct sesame_text name;
    struct sesame_text value;
    uint64_t secret; /* handle, or 0 with SESAME_FIELD_PLAIN; tools cannot have any */
    uint32_t kind;
    uint32_t reserved; /* 0 */
};

/* What a request, or the later use of a token, proves about its sender: any part may be 0. Keys are
 * those of sesame.sign/1. Passing a binding shares it: the handles stay the instance's own, and the
 * host keeps what it needs when they are freed. Credential providers only. */
struct sesame_binding {
    uint64_t proof_key;          /* DPoP (RFC 9449): a key pair that signs a proof per request */
    uint64_t client_certificate; /* mutual TLS (RFC 8705): secret handle, PEM, leaf first */
    uint64_t client_key;         /* the private key of that certificate */
};

enum {
    /* The answer's body is not given to on_data: it becomes a secret, handed to on_done. */
    SESAME_HTTP_SECRET_ANSWER = 1u << 0
};

struct sesame_http_request {
    struct sesame_text method; /* "GET", "POST", ... */

    /* https, or http towards loopback; for a credential provider also http towards the cloud's
     * metadata address, 100.100.100.200. Its origin must be granted: by the configuration
     * ("x-origin") or, for a credential provider, by "origins" in its manifest. */
    struct sesame_text url;

    /* The name of a credential of the host's configuration, or empty. The host attaches it on the
     * wire when this instance may use it and the URL's origin is on its list, else the request is
     * refused. On 401 the host fetches it anew once and repeats the request once. */
    struct sesame_text credential;

    const struct sesame_http_field *headers;
    size_t header_count;
    const struct sesame_http_field *form; /* application/x-www-form-urlencoded; then no `body` */
    size_t form_count;
    struct sesame_text body;

    int64_t deadline_ms;       /* 0: the host's default of 60 s from now */
    int64_t idle_timeout_ms;   /* without a byte for this long: SESAME_TIMED_OUT; 0: off */
    uint64_t answer_max_bytes; /* 0: 4 MiB; a longer answer ends with SESAME_LIMIT */
    uint32_t flags;
    uint32_t reserved;          /* 0 */
    struct sesame_text options; /* JSON object or empty; no members at present */

    /* The URL's query, without "?", as a secret handle, when it holds a secret: then `url` has
     * none. It is in no log and no error. 0 for none; tools cannot have any. */
    uint64_t query;

    /* The open call (of sesame.tool/1) that this request serves, or 0. A credential that stands for
     * the signed-in user is that of this call's user, and cannot be used without a call. */
    uint64_t call;

    /* With a certificate the connection is shared with nobody who has another or none. With a proof
     * key the host adds the DPoP header, with the newest nonce this origin gave. An answer that
     * asks for a nonce arrives as it is; its nonce is remembered, so that starting again is all
     * there is to do. */
    struct sesame_binding binding;
};

/* Redirects are never followed: they arrive as a status and a Location header. */
struct sesame_http_events {
    /* Once, before any data; not called when the connection failed. Headers are PLAIN fields. */
    void (*on_head)(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count);

    /* Any number of times, as bytes arrive. */
    void (*on_data)(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes);

    /* Exactly once, last. SESAME_OK: the answer is complete, whatever its HTTP status. Else
     * `message` says what went wrong. `answer` is the handle of a secret answer, else 0; it
     * belongs to the instance. */
    void (*on_done)(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer);
};

struct sesame_http_v1 {
    /* Starts a request. On SESAME_OK on_done follows exactly once; else nothing follows and
     * sesame.log/1 has the reason. `events` must live as long as the plugin. */
    int32_t (*start)(const struct sesame_host *host, const struct sesame_http_request *request,
                     const struct sesame_http_events *events, uint64_t tag, uint64_t *out_http);

    /* Ends it: no more on_head or on_data; on_done follows with SESAME_CANCELLED. */
    void (*cancel)(const struct sesame_host *host, uint64_t http);

    /* Stops (1) or goes on (0) reading the answer. */
    void (*pause)(const struct sesame_host *host, uint64_t http, int32_t is_paused);
};

/* ---- credentials by name ------------------------------------------------------------------ */

struct sesame_credentials_v1 {
    /* SESAME_OK when this instance may use the credential `name` for the origin of `url`;
     * SESAME_DENIED with the reason in `*out_message` (valid until the next call) when not;
     * SESAME_NOT_FOUND when there is none of that name. Fetches nothing. */
    int32_t (*check)(const struct sesame_host *host, struct sesame_text name,
                     struct sesame_text url, struct sesame_text *out_message);
};

/* ---- secrets as handles: credential providers only ---------------------------------------- */

enum {
    SESAME_PART_RAW = 0,    /* the secret's bytes as they are */
    SESAME_PART_PERCENT = 1 /* percent-encoded: all but letters, digits and "-._~" as %XX */
};

/* A part of a secret that is put together: `text`, then the bytes of `secret`. */
struct sesame_secret_part {
    struct sesame_text text;
    uint64_t secret; /* handle, or 0 */
    uint32_t encoding;
    uint32_t reserved; /* 0 */
};

struct sesame_secret_v1 {
    /* The secret that the configuration names at this JSON pointer, whose property the schema marks
     * "x-secret". A file is read anew at each call. */
    int32_t (*from_config)(const struct sesame_host *host, struct sesame_text pointer,
                           uint64_t *out_secret);

    /* The string at `pointer` in a secret that holds JSON, checked strictly. */
    int32_t (*json_take)(const struct sesame_host *host, uint64_t json_secret,
                         struct sesame_text pointer, uint64_t *out_secret);

    /* The raw text of a member that is no secret, such as "/expires_in" or "/error", cut from a
     * secret that holds JSON into `out`. SESAME_LIMIT when it does not fit. */
    int32_t (*json_read)(const struct sesame_host *host, uint64_t json_secret,
                         struct sesame_text pointer, char *out, size_t out_capacity,
                         size_t *out_len);

    /* Copies bytes into a secret. The caller wipes his own copy. */
    int32_t (*create)(const struct sesame_host *host, struct sesame_text bytes,
                      uint64_t *out_secret);

    /* The parts one after the other, at most 1 MiB, as a new secret. */
    int32_t (*join)(const struct sesame_host *host, const struct sesame_secret_part *parts,
                    size_t count, uint64_t *out_secret);

    /* A whole file, 1 byte to 64 KiB, without line breaks at its end; for a path that is known at
     * run time only (else mark it "x-secret"). May block. SESAME_NOT_FOUND: there is no such file;
     * the reason is explained as in sesame.log/1. */
    int32_t (*from_file)(const struct sesame_host *host, struct sesame_text path,
                         uint64_t *out_secret);

    /* What a program prints, 1 byte to 64 KiB. Only the one that the configuration names at
     * `pointer` ("x-program") can be run, with `arguments` behind its path; no shell, an empty
     * environment. It must end with status 0 by `deadline_ms` and is killed then. Blocks, so it is
     * SESAME_DENIED where the plugin is not on a thread of its own. */
    int32_t (*from_program)(const struct sesame_host *host, struct sesame_text pointer,
                            const struct sesame_text *arguments, size_t argument_count,
                            int64_t deadline_ms, uint64_t *out_secret);

    /* The bytes, valid until the secret is freed. Do not copy them. */
    int32_t (*borrow)(const struct sesame_host *host, uint64_t secret, struct sesame_text *out);

    void (*free)(const struct sesame_host *host, uint64_t secret);
};

/* ---- signing: credential providers only --------------------------------------------------- */

struct sesame_sign_v1 {
    /* A signing key from a secret: `kind` "pem" (PKCS#8, PKCS#1, SEC1, also with literal \n or
     * blanks for line breaks, or bare base64) or "hmac" (the bytes). `passphrase` is a secret
     * handle or 0. On failure `*out_message` says which form was found and what was expected. */
    int32_t (*key_open)(const struct sesame_host *host, struct sesame_text kind, uint64_t secret,
                        uint64_t passphrase, uint64_t *out_key, struct sesame_text *out_message);

    /* A fresh key pair: "P-256", "P-384", "P-521", "Ed25519", "RSA-2048" or "RSA-3072". */
    int32_t (*key_generate)(const struct sesame_host *host, struct sesame_text kind,
                            uint64_t *out_key);

    /* JSON about a key: {"kty": "RSA", "bits": 2048, "alg": "RS256", "algs": ["RS256", ...]};
     * "alg" is the default for this key. Valid until the next call of this service. */
    int32_t (*key_describe)(const struct sesame_host *host, uint64_t key, struct sesame_text *out);

    /* A compact JWS over header and claims, both JSON objects, taken byte for byte; the result is a
     * secret. The header's "alg" decides and must fit the key. */
    int32_t (*jws)(const struct sesame_host *host, uint64_t key, struct sesame_text header,
                   struct sesame_text claims, uint64_t *out_secret);

    /* A raw signature or MAC in JOSE form (ECDSA: r and s); `alg` as in JOSE, and "HS1" for
     * HMAC-SHA-1. 512 bytes are always enough for 4096-bit keys. */
    int32_t (*sign)(const struct sesame_host *host, uint64_t key, struct sesame_text alg,
                    struct sesame_text data, uint8_t *out, size_t out_capacity, size_t *out_len);

    /* "sha1", "sha256", "sha384", "sha512" of `data`; 64 bytes are always enough. */
    int32_t (*digest)(const struct sesame_host *host, struct sesame_text alg,
                      struct sesame_text data, uint8_t *out, size_t out_capacity, size_t *out_len);

    void (*key_free)(const struct sesame_host *host, uint64_t key);
};

/* ---- what the platform hands the process: credential providers only ------------------------ */

/* Secret handles that belong to the instance; 0 where the platform gave none. */
struct sesame_platform_credentials {
    uint64_t access_key_id;
    uint64_t access_key_secret;
    uint64_t security_token;
    int64_t received_at_ms; /* monotonic */
};

struct sesame_platform_credentials_v1 {
    /* The newest set, such as `kind` "alibaba-sts" on Function Compute, where each request brings
     * one. SESAME_NOT_FOUND when the host runs elsewhere or none came yet. */
    int32_t (*get)(const struct sesame_host *host, struct sesame_text kind,
                   struct sesame_platform_credentials *out);
};

#ifdef __cplusplus
}
#endif

#endif
