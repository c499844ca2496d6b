# The SKS rig. `make` builds, `make demo` shows it, `make test` tests it, `make help` has the rest.
#
#   CC=clang   another compiler          SAN=1       AddressSanitizer and UBSan, built apart
#                                        SAN=thread  ThreadSanitizer, for `make plain`
#                                        SAN=fuzz    with libFuzzer, as `make fuzz` has it (clang)
#   V=1        show the commands         PREFIX=/usr/local DESTDIR= for `make install`

SAN_FOLDER_thread := tsan
SAN_FOLDER_fuzz := libfuzzer
O := build$(if $(SAN),/$(or $(SAN_FOLDER_$(SAN)),san))
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
CLANG ?= clang
Q := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wcast-qual \
            -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2
OPTIMIZE ?= $(if $(filter-out fuzz,$(SAN)),-O1,-O2)
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANITIZE := $(if $(SAN),-fno-omit-frame-pointer $(if $(filter thread,$(SAN)),-fsanitize=thread, \
            -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all))
COVER := $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer-no-link)
CPPFLAGS += -D_GNU_SOURCE -I. -DSKS_PROFILES_DIR='"$(PREFIX)/share/sks-rig/profiles"'
CFLAGS += -std=c11 -g $(OPTIMIZE) $(HARDEN) $(SANITIZE) $(COVER) $(WARNINGS) -pthread
LDFLAGS += -pie -Wl,-z,relro,-z,now $(SANITIZE) -pthread
LDLIBS := -Wl,--as-needed -lpcre2-8 -lgnutls -lqrencode -Wl,--no-as-needed -lmicrohttpd -lcurl -ljansson -lsqlite3 -lssl -lcrypto

PROGRAMS := sks-token sks-issuer sks-proxy sks-vectors sks-conform sks-interop
PROGRAMS_OF_DOCS := sks-issuer sks-token sks-proxy sks-vectors sks-conform
KEYGEN2 := $(wildcard keygen2/*/*.c)
API := $(wildcard token/api/*.c)
TOKEN_LIB := $(filter-out token/main.c,$(wildcard token/*.c))
TOKEN := token/main.c $(wildcard token/command/*.c)
ISSUER_LIB := $(filter-out issuer/main.c,$(wildcard issuer/*.c))
PROXY_LIB := $(filter-out proxy/main.c,$(wildcard proxy/*.c proxy/*/*.c))
MATRIX := $(wildcard matrix/*.c)
INTEROP := $(wildcard interop/*.c)
VECTORS_LIB := $(filter-out testvectors/main.c,$(wildcard testvectors/*.c testvectors/*/*.c))
CONFORM_LIB := $(filter-out conform/main.c,$(wildcard conform/*.c conform/*/*.c))
UNIT := $(wildcard tests/unit/*/test_*.c)
FUZZ := $(wildcard tests/fuzz/fuzz_*.c)
PLAIN := $(wildcard tests/plain/*.c)
CHECKER := $(filter-out tests/crash/recorder.c,$(wildcard tests/crash/*.c))
ONE_THREAD := tests/plain/faults_%.c tests/plain/pin_model.c

comma := ,
object = $(patsubst %.c,$(O)/obj/%.o,$(1))
LIBS := $(addprefix $(O)/,libkeygen2.a libsksapi.a libsks.a libissuer.a libproxy.a libvectors.a libconform.a)

.PHONY: all interop bench demo docs help matrix matrix-selftest vectors test quick unit integration plain plain-programs corpus crash crash-sweep crash-crowd fuzz \
        fuzz-programs install uninstall clean format check-format setup FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(addprefix $(O)/,$(PROGRAMS))

# Everything is built anew when the compiler or its flags change.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' >$@

# What counts for the fuzzer is where the programs go, not where their tests do.
$(O)/obj/tests/%.o: COVER :=
$(O)/obj/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo '  CC   $<')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define library
$(O)/$(1): $(call object,$(2))
	@$(if $(V),,echo '  AR   $$@')
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(eval $(call library,libkeygen2.a,$(KEYGEN2)))
$(eval $(call library,libsksapi.a,$(API)))
$(eval $(call library,libsks.a,$(TOKEN_LIB)))
$(eval $(call library,libissuer.a,$(ISSUER_LIB)))
$(eval $(call library,libproxy.a,$(PROXY_LIB)))
$(eval $(call library,libvectors.a,$(VECTORS_LIB)))
$(eval $(call library,libconform.a,$(CONFORM_LIB)))

link = $(if $(V),,@echo '  LD   $@' &&) \
       $(CC) $(LDFLAGS) $(addprefix -Wl$(comma)--wrap=,$(WRAPPED)) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(O)/sks-token: $(call object,$(TOKEN)) $(addprefix $(O)/,libsks.a libsksapi.a libkeygen2.a)
	$(link)
$(O)/sks-issuer: $(O)/obj/issuer/main.o $(addprefix $(O)/,libissuer.a libkeygen2.a)
	$(link)
$(O)/sks-proxy: $(O)/obj/proxy/main.o $(call object,$(MATRIX)) \
                $(addprefix $(O)/,libproxy.a libissuer.a libsks.a libsksapi.a libkeygen2.a)
	$(link)
$(O)/sks-vectors: $(O)/obj/testvectors/main.o \
                  $(addprefix $(O)/,libvectors.a libproxy.a libissuer.a libsks.a libsksapi.a libkeygen2.a)
	$(link)
$(O)/sks-conform: $(O)/obj/conform/main.o $(addprefix $(O)/,libconform.a libproxy.a libsksapi.a libkeygen2.a)
	$(link)
$(O)/sks-interop: $(call object,$(INTEROP)) $(addprefix $(O)/,libsksapi.a libkeygen2.a)
	$(link)

# What a token draws, and its clock, come from a vector while one is played: in this program only.
VECTOR_WRAPPED := random_id private_key_generate session_2010_draw session_2010_encrypt device_sign \
                  token_clock_now
$(O)/sks-vectors: private WRAPPED := $(VECTOR_WRAPPED)

# ---- tests ----

# A unit test lies in a folder named after what it tests, and links that program's library.
LIBS_keygen2 := libsksapi.a libkeygen2.a
LIBS_token := libsks.a libsksapi.a libkeygen2.a
LIBS_issuer := libissuer.a libkeygen2.a
LIBS_proxy := libproxy.a libsksapi.a libkeygen2.a
LIBS_testvectors := libvectors.a libkeygen2.a
LIBS_conform := libconform.a libsksapi.a libkeygen2.a
define unit_rule
$(O)/unit/$(1)/%: $(O)/obj/tests/unit/$(1)/%.o $(call object,$(wildcard tests/unit/support/$(1)/*.c)) \
                  $(call object,$(wildcard tests/unit/support/*.c)) $(addprefix $(O)/,$(LIBS_$(1)))
	@mkdir -p $$(@D)
	$(if $(V),,@echo '  LD   $$@' &&) $(CC) $(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(LDLIBS) \
	    -lcriterion
endef
$(foreach folder,keygen2 token issuer proxy testvectors conform,$(eval $(call unit_rule,$(folder))))

# Leak and thread checks are plain programs: under Criterion a leak goes unreported.
$(O)/plain/%: $(O)/obj/tests/plain/%.o $(call object,$(wildcard tests/plain/support/*.c)) \
              $(addprefix $(O)/,$(LIBS_token))
	@mkdir -p $(@D)
	$(link)

# Parts of some. Some stand between our code and a function: the linker sends WRAPPED there.
$(O)/plain/faults_memory: $(O)/obj/tests/plain/parts/allocations.o
$(O)/plain/faults_memory: private WRAPPED := malloc calloc realloc
$(O)/plain/token_stress: $(addprefix $(O)/obj/tests/plain/parts/,estate.o key_user.o ledger.o)
$(O)/plain/token_deletion: private WRAPPED := live_key_drop key_load
$(O)/plain/token_syncs: $(addprefix $(O)/obj/tests/plain/parts/,sync_world.o sync_crowd.o)
$(O)/plain/token_syncs: private WRAPPED := database_file_sync store_await_syncs
PIN_PROGRAMS := $(addprefix $(O)/plain/pin_,model threads)
PIN_PARTS := comparisons pin_cuts pin_defects pin_states pin_world
$(PIN_PROGRAMS): $(PIN_PARTS:%=$(O)/obj/tests/plain/parts/%.o)
$(PIN_PROGRAMS): private WRAPPED := bytes_equal_secret secret_put vault_mac
$(O)/plain/pin_threads: private WRAPPED += authorization_forget lru_evict

# Benchmarks; the linker sends the allocations of the token's own code through tests/bench/meters.c.
METERED := malloc calloc realloc free CRYPTO_malloc CRYPTO_zalloc CRYPTO_clear_realloc \
           CRYPTO_free CRYPTO_clear_free token_open token_process
$(O)/bench/bench_token: $(call object,$(wildcard tests/bench/*.c)) \
                        $(call object,$(wildcard tests/plain/support/*.c)) \
                        $(addprefix $(O)/,$(LIBS_token))
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@' &&) $(CC) $(LDFLAGS) -rdynamic \
	    $(addprefix -Wl$(comma)--wrap=,$(METERED)) -o $@ $(filter %.o %.a,$^) $(LDLIBS)
$(O)/bench/bench_issuer: $(call object,$(wildcard tests/bench/issuer/*.c)) \
                         $(call object,tests/bench/bench.c tests/bench/child.c) \
                         $(call object,tests/plain/support/must.c) \
                         $(addprefix $(O)/,libissuer.a libproxy.a libsksapi.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)
$(O)/bench/bench_issuer: private WRAPPED := $(addprefix session_store_,add save expire)

$(O)/bench/bench_relay: $(call object,$(wildcard tests/bench/relay/*.c)) \
                        $(call object,tests/bench/bench.c tests/bench/child.c) \
                        $(call object,tests/bench/issuer/crowd.c tests/bench/issuer/folder.c) \
                        $(call object,tests/plain/support/must.c) $(O)/libkeygen2.a
	@mkdir -p $(@D)
	$(link)

# The page of the matrix is part of the program.
$(O)/obj/matrix/page_text.o: matrix/page.html

# The sweep of the matrix over ends with a hole: the linker sends their checks to the test.
$(O)/matrix/holes: $(call object,$(wildcard tests/matrix/*.c)) $(filter-out %/command.o %/report.o,$(call object,$(MATRIX))) \
                   $(call object,tests/plain/support/must.c) \
                   $(addprefix $(O)/,libproxy.a libissuer.a libsks.a libsksapi.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)
HOLE_WRAPPED := session_mac session_mac_verify verify_attestation \
    verify_session_attestation session_2010_verify session_decrypt jsf_verify \
    session_lookup_nonce_verify put_session_attestation_data \
    $(addprefix put_mac_,puk_policy pin_policy key_entry certificate_path import extension close) \
    put_attested_close put_target_reference
TOKEN_HOLE_WRAPPED := kmk_verify session_expired pin_violation pin_group_join bytes_equal_secret \
    $(addprefix close_check_,match unique endorsed)
ISSUER_HOLE_WRAPPED := check_ids check_server_time check_mode trust_verify_device
$(O)/matrix/holes: private WRAPPED := $(HOLE_WRAPPED) $(TOKEN_HOLE_WRAPPED) \
    $(ISSUER_HOLE_WRAPPED) trust_open

# The vectors, with the same holes.
$(O)/vectors/holes: $(O)/obj/tests/vectors/holes.o \
                    $(patsubst %,$(O)/obj/tests/matrix/%.o,table open checks checks_token checks_issuer fields) \
                    $(call object,tests/plain/support/must.c) \
                    $(addprefix $(O)/,libvectors.a libproxy.a libissuer.a libsks.a libsksapi.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)
$(O)/vectors/holes: private WRAPPED := $(HOLE_WRAPPED) $(TOKEN_HOLE_WRAPPED) $(ISSUER_HOLE_WRAPPED) \
    $(VECTOR_WRAPPED)

# The programs, with the same holes: which one is open, SKS_HOLE says.
HOLE_PROGRAMS := $(addprefix $(O)/holes/,sks-token sks-issuer sks-conform)
HOLE_OBJECTS := $(O)/obj/tests/conform/opened.o $(call object,tests/plain/support/must.c) \
                $(patsubst %,$(O)/obj/tests/matrix/%.o,table open checks fields)
$(O)/holes/sks-token: $(call object,$(TOKEN)) $(HOLE_OBJECTS) $(O)/obj/tests/matrix/checks_token.o \
                      $(addprefix $(O)/,libsks.a libsksapi.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)
$(O)/holes/sks-issuer: $(O)/obj/issuer/main.o $(HOLE_OBJECTS) $(O)/obj/tests/matrix/checks_issuer.o \
                       $(addprefix $(O)/,libissuer.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)
$(O)/holes/sks-conform: $(O)/obj/conform/main.o $(HOLE_OBJECTS) \
                        $(addprefix $(O)/,libconform.a libproxy.a libsksapi.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)
$(HOLE_PROGRAMS): private WRAPPED := $(HOLE_WRAPPED)
$(O)/holes/sks-token: private WRAPPED += $(TOKEN_HOLE_WRAPPED)
$(O)/holes/sks-issuer: private WRAPPED += $(ISSUER_HOLE_WRAPPED)

# Whether the plan of the matrix has cases of all that crosses.
$(O)/matrix/coverage: $(call object,$(wildcard tests/matrix/plan/*.c)) \
                      $(filter-out %/command.o %/report.o,$(call object,$(MATRIX))) \
                      $(call object,tests/plain/support/must.c) \
                      $(addprefix $(O)/,libproxy.a libissuer.a libsks.a libsksapi.a libkeygen2.a)
	@mkdir -p $(@D)
	$(link)

# A fuzz target takes its inputs from libFuzzer, or without that from the corpus, by replay.c.
$(O)/fuzz/%: $(O)/obj/tests/fuzz/%.o $(if $(filter fuzz,$(SAN)),,$(O)/obj/tests/fuzz/replay.o) \
             $(call object,$(wildcard tests/fuzz/support/*.c tests/plain/support/*.c)) \
             $(addprefix $(O)/,libissuer.a libproxy.a $(LIBS_token))
	@mkdir -p $(@D)
	$(if $(V),,@echo '  LD   $@' &&) $(CC) $(LDFLAGS) $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer) \
	    -o $@ $(filter %.o %.a,$^) $(LDLIBS)

# The recorder is preloaded into the real program, and bare of what that is built with.
$(O)/crash/recorder.so: tests/crash/recorder.c $(O)/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo '  LD   $@')
	$(Q)$(CC) $(CPPFLAGS) -std=c11 -g -O2 -fPIC -shared $(WARNINGS) $< -o $@ -ldl
$(O)/crash/checker: $(call object,$(CHECKER)) $(addprefix $(O)/,$(LIBS_token))
	@mkdir -p $(@D)
	$(link)

CRASH_PROGRAMS := $(O)/crash/recorder.so $(O)/crash/checker
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT))
PLAIN_PROGRAMS := $(patsubst tests/plain/%.c,$(O)/plain/%, \
                             $(if $(filter thread,$(SAN)),$(filter-out $(ONE_THREAD),$(PLAIN)),$(PLAIN)))
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(FUZZ))
RUN_TESTS := SKS_BUILD=$(O) SKS_SAN=$(SAN) PYTHON=$(PYTHON) $(PYTHON) -B tests/run.py

test: setup
	$(Q)$(MAKE) --no-print-directory all $(UNIT_PROGRAMS) $(PLAIN_PROGRAMS) $(FUZZ_PROGRAMS) \
	    $(CRASH_PROGRAMS) $(addprefix $(O)/,matrix/holes matrix/coverage vectors/holes) $(HOLE_PROGRAMS)
	$(if $(SAN),,$(Q)$(MAKE) --no-print-directory SAN=thread plain-programs)
	$(Q)$(RUN_TESTS)

# All but what runs the real programs; in one run, so that what wants the machine for itself has it.
quick: $(UNIT_PROGRAMS) $(PLAIN_PROGRAMS) $(FUZZ_PROGRAMS)
	$(Q)$(RUN_TESTS) unit plain corpus
unit: $(UNIT_PROGRAMS)
	$(Q)$(RUN_TESTS) unit
plain-programs: $(PLAIN_PROGRAMS)
plain: $(PLAIN_PROGRAMS)
	$(Q)$(RUN_TESTS) plain
corpus: $(FUZZ_PROGRAMS)
	$(Q)$(RUN_TESTS) corpus
integration: all $(O)/crash/recorder.so $(addprefix $(O)/,matrix/holes matrix/coverage vectors/holes) $(HOLE_PROGRAMS)
	$(Q)$(RUN_TESTS) integration

bench: setup
	$(Q)$(MAKE) --no-print-directory all $(addprefix $(O)/bench/bench_,token issuer relay)
	$(Q)SKS_BUILD=$(O) $(O)/bench/bench_token
	$(Q)SKS_BUILD=$(O) $(O)/bench/bench_issuer
	$(Q)SKS_BUILD=$(O) $(O)/bench/bench_relay
crash: all $(CRASH_PROGRAMS)
	$(Q)$(RUN_TESTS) crash

# Every alteration of every message. MATRIX_OPTIONS="--scenario privacy --show", or --help.
matrix: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(O)/sks-proxy matrix $(MATRIX_OPTIONS)

# Writes the vector files anew: the same bytes, unless their generators have changed.
vectors: $(O)/sks-vectors
	$(Q)$(O)/sks-vectors generate testvectors/vectors

# The sweep has to find each hole that is made in the ends.
matrix-selftest: $(O)/matrix/holes
	$(Q)$(O)/matrix/holes
	$(Q)$(O)/matrix/holes --random "closing proof" "session attestation"

# The long one: every crash point, a thousand real kills. SWEEP="--seed 7", or --help.
crash-sweep: all $(CRASH_PROGRAMS)
	$(Q)SKS_BUILD=$(O) $(PYTHON) -B tests/crash/sweep.py $(SWEEP)
# Clients at once. CROWD="--kills 1000", or --help.
crash-crowd: all
	$(Q)SKS_BUILD=$(O) $(PYTHON) -B tests/crash/crowd.py $(CROWD)

# The tables of docs/settings.md are those that the programs parse.
docs: all
	$(Q)sed '/^<!-- From here on made by/q' docs/settings.md >$(O)/settings.md
	$(Q)for program in $(PROGRAMS_OF_DOCS); do $(O)/$$program --settings-table; done >>$(O)/settings.md
	$(Q)mv $(O)/settings.md docs/settings.md

# By compose where a docker engine answers, else on network namespaces, else as processes.
# WITH="faults", "attacked weak-pin", "--by namespaces drive": docker/interop.sh says more.
interop:
	$(Q)MAKE="$(MAKE)" docker/interop.sh $(WITH)

demo: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)SKS_BUILD=$(O) $(PYTHON) tools/demo.py

# Fuzzing needs clang. Each target runs FUZZ_SECONDS and starts from tests/fuzz/corpus; what it
# finds on the way stays in build/libfuzzer/corpus, an input that fails in build/libfuzzer. Whole
# stacks of all allocations would take a tenth of the time: SAN=1 has them.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ))
fuzz:
	$(Q)$(MAKE) --no-print-directory SAN=fuzz CC=$(CLANG) fuzz-programs
	$(Q)for name in $(FUZZ_TARGETS); do \
	    mkdir -p build/libfuzzer/corpus/$$name; \
	    echo "== $$name"; \
	    ASAN_OPTIONS=$${ASAN_OPTIONS:-malloc_context_size=1:quarantine_size_mb=32} \
	    build/libfuzzer/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	        $$([ $$name = session ] && echo -detect_leaks=0) \
	        -artifact_prefix=build/libfuzzer/ build/libfuzzer/corpus/$$name \
	        tests/fuzz/corpus/$$name || exit 1; \
	done
fuzz-programs: $(FUZZ_PROGRAMS)

# ---- housekeeping ----

## all             the programs, in build/ (the default)
## demo            installs what is missing, builds, provisions keys, uses one, shows an attack refused
## test            the same set-up, then all tests; SAN=1: with AddressSanitizer and UBSan
## quick           the three that follow, in one run
## unit            the unit tests alone
## plain           leaks, faults and threads alone, by programs without a test framework
## corpus          the kept inputs of the fuzz targets alone
## integration     the tests of the real programs alone
## crash           a sample of the crash sweep; crash-sweep: all of it, minutes; crash-crowd: clients at once, killed
## matrix          alters every field of every message, and says who noticed
## matrix-selftest the same upon ends with a hole each, which it has to find
## interop         issuer, token and proxy apart from each other: containers, namespaces or processes
## fuzz            each fuzz target for FUZZ_SECONDS (60), with clang
## bench           measures token, issuer and relay
## vectors         writes the conformance vectors anew
## docs            the tables of docs/settings.md
## install         to PREFIX (/usr/local), below DESTDIR; uninstall: takes it away again
## setup           installs the Debian packages that building and testing need, or names them
## format          clang-format; check-format: only looks
## clean           removes build/
help:
	@sed -n 's/^## /make /p' Makefile
	@echo
	@sed -n '/^SAN_FOLDER/q; s/^#   //p' Makefile

setup:
	@tools/setup.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/sks-rig/profiles
	install -m 755 $(addprefix $(O)/,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin
	install -m 644 issuer/profiles/*.json issuer/profiles/*.svg $(DESTDIR)$(PREFIX)/share/sks-rig/profiles
uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(PROGRAMS))
	rm -rf $(DESTDIR)$(PREFIX)/share/sks-rig

SOURCES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
format:
	clang-format -i $(SOURCES)
check-format:
	clang-format --dry-run -Werror $(SOURCES)

clean:
	rm -rf build

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
