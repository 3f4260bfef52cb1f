# tests: its part of the build
EXTRA_DIST += tests/lint.sh

.PHONY: lint format
lint:
	$(top_srcdir)/tests/lint.sh $(top_srcdir)

format:
	cd $(top_srcdir) && find core plugins credential-providers tools local-cloud tests \
	    -name '*.[ch]' -not -path '*/node_modules/*' -exec clang-format -i {} +
