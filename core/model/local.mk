# core/model: the chat-completions client
noinst_LTLIBRARIES += libmodel.la
libmodel_la_SOURCES = \
    core/model/chat_client.c core/model/chat_client.h \
    core/model/chat_error.c \
    core/model/chat_stream.c core/model/chat_stream.h \
    core/model/tool_calls.c core/model/tool_calls.h
