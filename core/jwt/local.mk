# core/jwt: tokens and keys
noinst_LTLIBRARIES += libjwt.la
libjwt_la_SOURCES = \
    core/jwt/access_token.c core/jwt/access_token.h \
    core/jwt/algorithm.c core/jwt/algorithm.h \
    core/jwt/dpop.c core/jwt/dpop.h \
    core/jwt/jwk.c core/jwt/jwk.h \
    core/jwt/jwks.c core/jwt/jwks.h \
    core/jwt/jwks_cache.c core/jwt/jwks_cache.h \
    core/jwt/jws.c core/jwt/jws.h \
    core/jwt/token_memo.c core/jwt/token_memo.h \
    core/jwt/key.c core/jwt/key.h core/jwt/key_pem.c core/jwt/key_private.h
