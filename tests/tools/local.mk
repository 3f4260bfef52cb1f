# tests/tools: the built plugins, loaded into a host, against scripted servers
MCP_TEST_LIBS = libmcpserver.la $(test_tools_LDADD)
check_LTLIBRARIES += libmcpserver.la
libmcpserver_la_SOURCES = tests/tools/mcp/server.c tests/tools/mcp/server.h
libmcpserver_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_PROGRAMS += test_mcp_config test_mcp_session test_mcp_list test_mcp_call test_mcp_stream \
                  test_mcp_failure
test_mcp_config_SOURCES = tests/tools/mcp/test_config.c
test_mcp_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_config_LDADD = $(MCP_TEST_LIBS)
test_mcp_session_SOURCES = tests/tools/mcp/test_session.c
test_mcp_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_session_LDADD = $(MCP_TEST_LIBS)
test_mcp_list_SOURCES = tests/tools/mcp/test_list.c
test_mcp_list_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_list_LDADD = $(MCP_TEST_LIBS)
test_mcp_call_SOURCES = tests/tools/mcp/test_call.c
test_mcp_call_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_call_LDADD = $(MCP_TEST_LIBS)
test_mcp_stream_SOURCES = tests/tools/mcp/test_stream.c
test_mcp_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_stream_LDADD = $(MCP_TEST_LIBS)
test_mcp_failure_SOURCES = tests/tools/mcp/test_failure.c
test_mcp_failure_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_failure_LDADD = $(MCP_TEST_LIBS)
check_PROGRAMS += test_enterprise_service
test_enterprise_service_SOURCES = tests/tools/enterprise-service/test_enterprise_service.c
test_enterprise_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_enterprise_service_LDADD = $(test_tools_LDADD)
check_PROGRAMS += test_http_json
test_http_json_SOURCES = tests/tools/http-json/test_http_json.c
test_http_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_http_json_LDADD = $(test_tools_LDADD)
if HAVE_CXX
check_PROGRAMS += test_command
check_DATA += command_program
endif
EXTRA_PROGRAMS += test_command command_program
command_program_SOURCES = tests/tools/command/program.c
# Without sanitizers: what they need a program in the sandbox has not.
command_program_CFLAGS = -std=gnu11 $(SESAME_WARNINGS)
command_program_LDFLAGS =
command_program_LDADD = -lpthread
test_command_SOURCES = tests/tools/command/test_command.c
test_command_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_command_LDADD = $(test_tools_LDADD)
CLEANFILES += test_command command_program
if HAVE_RUST
check_PROGRAMS += test_time
endif
EXTRA_PROGRAMS += test_time
test_time_SOURCES = tests/tools/time/test_time.c
test_time_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# The time is the test's, where the plugin lives in the test's process.
test_time_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_wall_ms
test_time_LDADD = $(test_tools_LDADD)
CLEANFILES += test_time
EXTRA_DIST += tests/support/tool_bench.h
