# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Unit tests and fuzzers. Test programs link the static libraries, so that they
# reach what the shared ones do not export. How they are run: tests/run-tests.sh
# and runtime/build/fuzz.sh.

TEST_LIBS = $(call pkg_libs,cmocka) $(TOOL_LIBS) $(NN_LIBS) $(MHO_LIBS)
TEST_COMMON_OBJ := $(call objects,$(wildcard tests/unit/lib/*.c))
TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
TEST_SCRIPTS := $(wildcard tests/unit/*.sh)
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
CHECK_SAN := address,undefined
CHECK_SAN_DIR := $(O)/san-$(subst $(comma),-,$(CHECK_SAN))

# T= keeps the programs whose name contains it.
matching = $(if $(T),$(foreach p,$1,$(if $(findstring $T,$(notdir $p)),$p)),$1)

.PHONY: test test-build test-units test-quick test-programs check-headers check-symbols \
	update-layout fuzz fuzz-programs

$(B)/obj/tests/%.o: ALL_CFLAGS += -Itests/unit/lib

# $(call static_link,OBJECTS,FLAGS,LIBS)
static_link = $(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $2 -o $@ $1 $(STATIC_LIBS) $3

$(B)/tests/%: $(B)/obj/tests/unit/%.o $(TEST_COMMON_OBJ) $(TOOL_COMMON_OBJ) $(STATIC_LIBS) \
		$(LDFLAGS_STAMP)
	$(call say,LD,$@)
	$(call static_link,$(filter %.o,$^),,$(TEST_LIBS))

test-programs: $(call matching,$(TESTS:%=$(B)/tests/%))

# --- running ------------------------------------------------------------------------------

RUN_TESTS = MHO_BUILD='$(B)' TIMEOUT='$(TIMEOUT)' CC='$(CC)' CXX='$(CXX)' tests/run-tests.sh

# What every test run begins with, as arguments of run-tests.sh.
HEADER_CHECK = 'contract headers=runtime/build/check-headers.sh firmware-if runtime/include \
	tests/kernel-stubs uapi'
SYMBOL_CHECKS = \
	$(call symbol_check,libmho,$(MHO_HEADERS)) \
	$(if $(NN_SRC),$(call symbol_check,libmho-nn,$(NN_HEADERS)))
symbol_check = 'symbols of $1=runtime/build/symbols.sh check runtime/$1.map $(B)/lib/$1.so $2'
QUICK_TESTS = $(if $T,,$(HEADER_CHECK) $(SYMBOL_CHECKS)) \
	$(call matching,$(TESTS:%=$(B)/tests/%)) $(call matching,$(TEST_SCRIPTS))
SAN_TESTS = $(foreach t,$(call matching,$(TESTS)),'$t [$(CHECK_SAN)]=$(CHECK_SAN_DIR)/tests/$t')

test-quick: all test-programs ## Run the tests without sanitizers
	$(Q)$(RUN_TESTS) $(QUICK_TESTS)

# NOVM=1, or a T= that no test in guests has in its name, leaves guests out.
GUEST_TESTS = driver kselftest $(notdir $(basename $(wildcard tests/vm/guest/*.* \
	tests/kselftest/test_*.*)))
GUESTS = $(if $(NOVM),novm,$(if $(strip $(call matching,$(GUEST_TESTS))),yes,no))

test: ## Run all tests: unit tests, also under ASan and UBSan, and those of the guests
	$(Q)tests/run-all.sh '$(MAKE)' '$(O)' '$(VM)' $(GUESTS)

# Both builds make topologies and firmware in $(O): one after the other. All is built before
# anything runs.
test-build: all test-programs
	$(Q)$(MAKE) SAN=$(CHECK_SAN) T='$(T)' test-programs

test-units:
	$(Q)$(RUN_TESTS) $(QUICK_TESTS) $(SAN_TESTS)

check-headers: ## Compile each contract header alone as C11, C++17, kernel code; layouts
	$(Q)$(RUN_TESTS) $(HEADER_CHECK)

update-layout: ## Write down the layout of the driver's structures, after additions
	$(Q)runtime/build/uapi-layout.sh update uapi/drm/mho_accel.h uapi/layout.txt $(CC) \
		$$($(PKG_CONFIG) --cflags libdrm)

check-symbols: libs ## Compare the libraries' exports with the public headers
	$(Q)$(RUN_TESTS) $(SYMBOL_CHECKS)

# --- fuzzing ------------------------------------------------------------------------------

$(B)/bin/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(STATIC_LIBS) $(LDFLAGS_STAMP)
	$(call say,LD,$@)
	$(call static_link,$<,-fsanitize=fuzzer,$(TOOL_LIBS) $(NN_LIBS) $(MHO_LIBS))

fuzz-programs: $(call matching,$(FUZZERS:%=$(B)/bin/%))

# libFuzzer is clang's: everything is built once more, in build/fuzz.
fuzz: topologies firmware ## Run every fuzzer for FUZZ_SECONDS=60; findings in build/fuzz/
	$(if $(FUZZERS),,$(error there are no tests/fuzz/fuzz_*.c))
	$(Q)$(MAKE) CC=clang SAN=fuzzer-no-link,address,undefined B=$(O)/fuzz T='$(T)' \
		fuzz-programs
	$(Q)FUZZ_SECONDS='$(FUZZ_SECONDS)' runtime/build/fuzz.sh $(O) $(call matching,$(FUZZERS))

TEST_ALL_OBJ := $(TEST_COMMON_OBJ) $(TESTS:%=$(B)/obj/tests/unit/%.o) \
	$(FUZZERS:%=$(B)/obj/tests/fuzz/%.o)
-include $(TEST_ALL_OBJ:.o=.d)
