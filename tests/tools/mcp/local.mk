# tests/tools/mcp: the built plugin, loaded into a host, against a scripted server
MCP_TEST_LIBS = libmcpserver.la $(test_tools_LDADD)
check_LTLIBRARIES += libmcpserver.la
libmcpserver_la_SOURCES = tests/tools/mcp/server.c tests/tools/mcp/server.h
libmcpserver_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_PROGRAMS += test_mcp_session
test_mcp_session_SOURCES = tests/tools/mcp/test_session.c
test_mcp_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_session_LDADD = $(MCP_TEST_LIBS)
check_PROGRAMS += test_mcp_list
test_mcp_list_SOURCES = tests/tools/mcp/test_list.c
test_mcp_list_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_mcp_list_LDADD = $(MCP_TEST_LIBS)
EXTRA_DIST += tests/support/tool_bench.h
