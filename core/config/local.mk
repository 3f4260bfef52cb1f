# core/config: the two configuration files
noinst_LTLIBRARIES += libconfig.la
libconfig_la_SOURCES = \
    core/config/endpoint.h core/config/host_config.h core/config/idaas_config.h \
    core/config/problems.h core/config/source.c core/config/source.h
