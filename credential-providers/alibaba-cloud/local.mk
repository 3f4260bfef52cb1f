# credential-providers/alibaba-cloud: an Alibaba Cloud access key against IDaaS's OpenAPI
pkglib_LTLIBRARIES += alibaba-cloud.la
alibaba_cloud_la_SOURCES =
alibaba_cloud_la_LDFLAGS = $(LDFLAGS_PLUGIN)
alibaba_cloud_la_LIBADD = libalibabacloud.la
# All of it also for its unit tests, which link what they test.
noinst_LTLIBRARIES += libalibabacloud.la
libalibabacloud_la_CPPFLAGS = $(PLUGIN_CPPFLAGS)
libalibabacloud_la_LIBADD = libkit.la
libalibabacloud_la_SOURCES = \
    credential-providers/alibaba-cloud/acs3.c credential-providers/alibaba-cloud/acs3.h \
    credential-providers/alibaba-cloud/alibaba.h credential-providers/alibaba-cloud/answer.c \
    credential-providers/alibaba-cloud/call.c \
    credential-providers/alibaba-cloud/chain.c credential-providers/alibaba-cloud/chain.h \
    credential-providers/alibaba-cloud/credentials.c \
    credential-providers/alibaba-cloud/external.c \
    credential-providers/alibaba-cloud/metadata.c credential-providers/alibaba-cloud/plan.c \
    credential-providers/alibaba-cloud/plugin.c credential-providers/alibaba-cloud/rpc.c \
    credential-providers/alibaba-cloud/run.c credential-providers/alibaba-cloud/run.h \
    credential-providers/alibaba-cloud/settings.c \
    credential-providers/alibaba-cloud/source_cli.c \
    credential-providers/alibaba-cloud/source_direct.c \
    credential-providers/alibaba-cloud/source_ini.c \
    credential-providers/alibaba-cloud/sts.c credential-providers/alibaba-cloud/text.c \
    credential-providers/alibaba-cloud/token.c \
    credential-providers/alibaba-cloud/weave.c credential-providers/alibaba-cloud/weave.h
dist_manifest_DATA += credential-providers/alibaba-cloud/alibaba-cloud.json
EXTRA_DIST += credential-providers/alibaba-cloud/README.md
