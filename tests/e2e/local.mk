# tests/e2e: its part of the build
EXTRA_DIST += tests/e2e/host/agent.mjs tests/e2e/host/alibaba.test.mjs tests/e2e/host/memory.mjs tests/e2e/host/chat.test.mjs tests/e2e/host/consent.test.mjs tests/e2e/host/days.test.mjs tests/e2e/host/demo.test.mjs tests/e2e/host/failures.test.mjs tests/e2e/host/limits.test.mjs tests/e2e/host/metrics.test.mjs tests/e2e/host/raw.mjs tests/e2e/host/sdk_server.mjs tests/e2e/host/doctor.test.mjs tests/e2e/host/mcp.test.mjs tests/e2e/host/process.test.mjs \
    tests/e2e/host/mcp_client.mjs tests/e2e/host/page.test.mjs tests/e2e/host/screenshot.mjs tests/e2e/host/secrets.test.mjs tests/e2e/host/package.json \
    tests/e2e/host/package-lock.json tests/e2e/host/page_errors.test.mjs tests/e2e/host/providers.test.mjs tests/e2e/host/tools.test.mjs \
    tests/e2e/host/optional.test.mjs tests/e2e/host/plugin_list.test.mjs tests/e2e/host/plugin_show.test.mjs \
    tests/e2e/host/readme.test.mjs tests/e2e/host/reload.test.mjs tests/e2e/host/sign_in.test.mjs
EXTRA_DIST += tests/e2e/oauth2/certificates.mjs tests/e2e/oauth2/file.test.mjs tests/e2e/oauth2/oauth2.test.mjs tests/e2e/oauth2/package-lock.json \
    tests/e2e/oauth2/model.mjs tests/e2e/oauth2/package.json tests/e2e/oauth2/resource.mjs tests/e2e/oauth2/secrets.test.mjs \
    tests/e2e/oauth2/server.mjs tests/e2e/oauth2/user.test.mjs
