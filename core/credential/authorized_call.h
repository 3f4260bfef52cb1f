/* An HTTP call with a named credential: fetched, bound to its origin, attached on the wire, and
 * renewed once when the peer refuses it. The only place where a credential meets a request. */
#ifndef SESAME_CREDENTIAL_AUTHORIZED_CALL_H
#define SESAME_CREDENTIAL_AUTHORIZED_CALL_H

#include <stdbool.h>

#include "base/text.h"
#include "net/http_client.h"

struct authorized_call;
struct credential_client;
struct error;
struct subject;

/* Starts the call: everything is copied. `subject` is the user whose turn it serves, NULL:
 * nobody's. `credential` empty: a plain call. Refused at once (NULL) when there is no such
 * credential, when the URL's origin is not on its list, or when a header of the caller's is the one
 * the credential goes into. The events are those of http_client_start, in the same order and
 * number; a failure to get the credential comes through on_done with status 0 and the broker's
 * error. On 401 (403 too for access tokens, as Function Compute's trigger answers) to a credential
 * that the broker could renew, the answer is dropped, the credential fetched anew and the request
 * sent once more; the caller sees the last answer only. A query credential never shows in an error.
 *
 * A token that is bound to a key (credential/token_binding.h) is sent as "Authorization: DPoP" with
 * a fresh proof, once more when the peer asks for its nonce; one that is bound to a certificate
 * over a connection that proves it. */
struct authorized_call *authorized_call_start(struct http_client *http,
                                              struct credential_client *credentials,
                                              struct slice credential, struct subject *subject,
                                              const struct http_request_options *options,
                                              const struct http_call_events *events, void *arg,
                                              struct error *err);

/* Ends it at once: no callback after this returns. May be called inside on_head and on_data. */
void authorized_call_cancel(struct authorized_call *call);

/* As http_call_pause; before the request is out it is remembered. */
void authorized_call_pause(struct authorized_call *call, bool is_paused);

#endif
