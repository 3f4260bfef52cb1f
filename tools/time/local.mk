# tools/time: the current time and the time between two dates, in Rust
EXTRA_DIST += tools/time/README.md tools/time/time.rs plugins/rust/sesame.rs
if HAVE_RUST
rustplugin_DATA += .libs/time.so
.libs/time.so: tools/time/time.rs plugins/rust/sesame.rs
	@$(MKDIR_P) .libs
	$(AM_V_GEN)MAKEFLAGS= $(RUSTC) --edition 2021 --crate-type cdylib -O -C strip=symbols \
	    -C link-arg=-Wl,-z,relro,-z,now -o $@ $(srcdir)/tools/time/time.rs
dist_manifest_DATA += tools/time/time.json
CLEANFILES += .libs/time.so
endif
