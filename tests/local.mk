# tests: its part of the build
EXTRA_DIST += tests/lint.sh tests/installed.sh

# `make distcheck` installs and makes this.
installcheck-local:
	CC='$(CC)' $(top_srcdir)/tests/installed.sh $(top_srcdir) $(DESTDIR)$(bindir) $(DESTDIR)$(libdir) \
	    $(DESTDIR)$(includedir) $(DESTDIR)$(pkgdatadir)
	CC='$(CC)' $(top_srcdir)/tests/kit/installed.sh $(top_srcdir) $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)

.PHONY: lint format
lint:
	$(top_srcdir)/tests/lint.sh $(top_srcdir)

format:
	cd $(top_srcdir) && find core plugins credential-providers tools local-cloud tests \
	    \( -name '*.[ch]' -o -name '*.cpp' \) -not -path '*/node_modules/*' -exec clang-format -i {} +
