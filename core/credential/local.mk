# core/credential: gets, keeps and attaches credentials
noinst_LTLIBRARIES += libcredential.la
libcredential_la_SOURCES = \
    core/credential/authorized_call.c core/credential/authorized_call.h \
    core/credential/broker.c core/credential/broker.h \
    core/credential/broker_item.c core/credential/broker_item.h \
    core/credential/broker_user.c \
    core/credential/credential_client.c core/credential/credential_client.h \
    core/credential/credential_origin.c \
    core/credential/due_queue.c core/credential/due_queue.h \
    core/credential/item_spec.c core/credential/item_spec.h \
    core/credential/keep.c core/credential/keep.h \
    core/credential/platform_credentials.c core/credential/platform_credentials.h \
    core/credential/provider.h \
    core/credential/request_proof.c core/credential/request_proof.h \
    core/credential/subject.c core/credential/subject.h \
    core/credential/token_binding.c core/credential/token_binding.h \
    core/credential/vault.c core/credential/vault.h
