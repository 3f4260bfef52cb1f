# core/config: the two configuration files
noinst_LTLIBRARIES += libconfig.la
libconfig_la_SOURCES = \
    core/config/endpoint.c core/config/endpoint.h \
    core/config/host_config.c core/config/host_config.h \
    core/config/host_default.c \
    core/config/host_for_tools.c \
    core/config/host_parts.c core/config/host_parts.h \
    core/config/host_tools.c \
    core/config/idaas_certificates.c \
    core/config/idaas_check.c \
    core/config/idaas_config.c core/config/idaas_config.h core/config/idaas_private.h \
    core/config/idaas_file.c \
    core/config/problems.c core/config/problems.h \
    core/config/reader.c core/config/reader.h \
    core/config/source.c core/config/source.h
