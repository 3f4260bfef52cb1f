# core/agent: the turn
noinst_LTLIBRARIES += libagent.la
libagent_la_SOURCES = \
    core/agent/arguments.c core/agent/arguments.h \
    core/agent/consent.c core/agent/consent.h \
    core/agent/history.c core/agent/history.h \
    core/agent/tool_set.c core/agent/tool_set.h \
    core/agent/tool_step.c core/agent/tool_step.h \
    core/agent/turn.c core/agent/turn.h
