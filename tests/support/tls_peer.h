/* A TLS server on threads of its own that answers each request with the client certificate's common
 * name and the number of the connection: "alice 1". */
#ifndef SESAME_TESTS_SUPPORT_TLS_PEER_H
#define SESAME_TESTS_SUPPORT_TLS_PEER_H

#include "tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TLS_PEER_MAX_CONNECTIONS 32

struct tls_peer {
    SSL_CTX *context;
    char ca_path[40];
    int listener;
    int port;
    pthread_t acceptor;
    pthread_t threads[TLS_PEER_MAX_CONNECTIONS];
    int sockets[TLS_PEER_MAX_CONNECTIONS];
    int connection_count;     /* the acceptor's; others read it after tls_peer_close joined it */
    atomic_bool closes_after; /* each answer ends its connection */
    bool gives_tokens;        /* the answer is a token of that text, "alice:1" */
};

struct tls_peer_connection {
    struct tls_peer *peer;
    int fd, number;
};

/* "alice", "nobody" without a certificate. A resumed session brings its first handshake's. */
static inline void tls_peer_name(SSL *ssl, char *out, int size)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);

    snprintf(out, (size_t)size, "nobody");
    if (certificate != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out, size);
    X509_free(certificate);
}

/* Requests without a body only: reads up to the empty line. */
static inline bool tls_peer_read_request(SSL *ssl)
{
    char text[4096];
    size_t used = 0;

    while (used < sizeof text - 1) {
        int count = SSL_read(ssl, text + used, (int)(sizeof text - 1 - used));

        if (count <= 0)
            return false;
        used += (size_t)count;
        text[used] = '\0';
        if (strstr(text, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static inline void *tls_peer_serve(void *arg)
{
    struct tls_peer_connection connection = *(struct tls_peer_connection *)arg;
    SSL *ssl = SSL_new(connection.peer->context);
    bool goes_on = true;

    free(arg);
    SSL_set_fd(ssl, connection.fd);
    while (goes_on && (SSL_is_init_finished(ssl) || SSL_accept(ssl) == 1) &&
           tls_peer_read_request(ssl)) {
        char name[64], body[200], answer[400];

        goes_on = !connection.peer->closes_after;
        tls_peer_name(ssl, name, sizeof name);
        if (connection.peer->gives_tokens)
            snprintf(body, sizeof body,
                     "{\"access_token\":\"%s:%d\",\"token_type\":\"Bearer\",\"expires_in\":60}",
                     name, connection.number);
        else
            snprintf(body, sizeof body, "%s %d%s", name, connection.number,
                     SSL_session_reused(ssl) ? " resumed" : "");
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n%s",
                 strlen(body), goes_on ? "" : "Connection: close\r\n", body);
        SSL_write(ssl, answer, (int)strlen(answer));
    }
    SSL_shutdown(ssl);
    SSL_free(ssl);
    shutdown(connection.fd, SHUT_RDWR);
    return NULL;
}

static inline void *tls_peer_accept(void *arg)
{
    struct tls_peer *peer = arg;

    for (;;) {
        int fd = accept(peer->listener, NULL, NULL);
        struct tls_peer_connection *connection;

        if (fd < 0 || peer->connection_count == TLS_PEER_MAX_CONNECTIONS)
            return NULL;
        connection = malloc(sizeof *connection);
        *connection = (struct tls_peer_connection){peer, fd, peer->connection_count + 1};
        peer->sockets[peer->connection_count] = fd;
        pthread_create(&peer->threads[peer->connection_count++], NULL, tls_peer_serve, connection);
    }
}

static inline int tls_peer_take_any(int ok, X509_STORE_CTX *chain)
{
    (void)ok;
    (void)chain;
    return 1;
}

/* Asks for a client certificate, takes any, and does without. */
static inline void tls_peer_open(struct tls_peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that the client has closed */
    memset(peer, 0, sizeof *peer);
    snprintf(peer->ca_path, sizeof peer->ca_path, "/tmp/sesame-test-ca-XXXXXX");
    peer->context = test_tls_server(peer->ca_path);
    SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER, tls_peer_take_any);
    SSL_CTX_set_session_id_context(peer->context, (const unsigned char *)"peer", 4);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(peer->listener, 16), 0);
    ck_assert_int_eq(getsockname(peer->listener, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&peer->acceptor, NULL, tls_peer_accept, peer), 0);
}

static inline void tls_peer_close(struct tls_peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->acceptor, NULL);
    close(peer->listener);
    for (int i = 0; i < peer->connection_count; i++) {
        shutdown(peer->sockets[i], SHUT_RDWR);
        pthread_join(peer->threads[i], NULL);
        close(peer->sockets[i]);
    }
    SSL_CTX_free(peer->context);
    unlink(peer->ca_path);
}

#endif
