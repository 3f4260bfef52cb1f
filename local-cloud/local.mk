# local-cloud: the offline stand-in for everything the agent talks to
bin_PROGRAMS += sesame-local-cloud
noinst_LTLIBRARIES += liblocalcloud.la
liblocalcloud_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
liblocalcloud_la_SOURCES = \
    local-cloud/acs3.c local-cloud/acs3.h \
    local-cloud/agent_identity.c local-cloud/agent_identity.h \
    local-cloud/amap_answers.c local-cloud/amap_answers.h \
    local-cloud/amap_tools.c local-cloud/amap_tools.h \
    local-cloud/attested_document.c local-cloud/attested_document.h \
    local-cloud/brain.c local-cloud/brain.h \
    local-cloud/brain_answer.c local-cloud/brain_answer.h \
    local-cloud/certificate.c local-cloud/certificate.h \
    local-cloud/client_assertion.c local-cloud/client_assertion.h \
    local-cloud/client_auth.c local-cloud/client_auth.h \
    local-cloud/client_federated.c local-cloud/client_federated.h \
    local-cloud/client_files.c local-cloud/client_files.h \
    local-cloud/client_keys.c local-cloud/client_keys.h \
    local-cloud/cloud.c local-cloud/cloud.h \
    local-cloud/control.c local-cloud/control.h \
    local-cloud/control_identity.c local-cloud/control_identity.h \
    local-cloud/control_ram.c local-cloud/control_ram.h \
    local-cloud/enterprise.c local-cloud/enterprise.h \
    local-cloud/faults.c local-cloud/faults.h \
    local-cloud/federation.c local-cloud/federation.h \
    local-cloud/issued_token.c local-cloud/issued_token.h \
    local-cloud/issuer.c local-cloud/issuer.h \
    local-cloud/issuer_keys.c local-cloud/issuer_keys.h \
    local-cloud/journal.c local-cloud/journal.h \
    local-cloud/json_pack.c local-cloud/json_pack.h \
    local-cloud/login.c local-cloud/login.h \
    local-cloud/login_pages.c local-cloud/login_pages.h \
    local-cloud/mcp.c local-cloud/mcp.h \
    local-cloud/memory.c local-cloud/memory.h \
    local-cloud/metadata.c local-cloud/metadata.h \
    local-cloud/model.c local-cloud/model.h \
    local-cloud/model_quirks.c local-cloud/model_quirks.h \
    local-cloud/model_request.c local-cloud/model_request.h \
    local-cloud/oauth_error.c local-cloud/oauth_error.h \
    local-cloud/openapi.c local-cloud/openapi.h \
    local-cloud/options.c local-cloud/options.h \
    local-cloud/params.c local-cloud/params.h \
    local-cloud/places.c local-cloud/places.h \
    local-cloud/player.c local-cloud/player.h \
    local-cloud/pop.c local-cloud/pop.h \
    local-cloud/ram.c local-cloud/ram.h \
    local-cloud/realm.c local-cloud/realm.h \
    local-cloud/replay_memory.c local-cloud/replay_memory.h \
    local-cloud/reply.c local-cloud/reply.h \
    local-cloud/request.c local-cloud/request.h \
    local-cloud/route.c local-cloud/route.h \
    local-cloud/rpc1.c local-cloud/rpc1.h \
    local-cloud/service.c local-cloud/service.h \
    local-cloud/state_dir.c local-cloud/state_dir.h \
    local-cloud/sts.c local-cloud/sts.h \
    local-cloud/switches.c local-cloud/switches.h \
    local-cloud/tls_identity.c local-cloud/tls_identity.h \
    local-cloud/token_endpoint.c local-cloud/token_endpoint.h \
    local-cloud/token_exchange.c local-cloud/token_exchange.h \
    local-cloud/token_scope.c local-cloud/token_scope.h \
    local-cloud/vault.c local-cloud/vault.h
EXTRA_DIST += local-cloud/README.md
sesame_local_cloud_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
sesame_local_cloud_SOURCES = local-cloud/main.c
sesame_local_cloud_LDADD = liblocalcloud.la libjwt.la libnet.la libbase.la \
    $(CURL_LIBS) $(EVENT_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS) -lm
