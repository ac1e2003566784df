# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Builds mho: device contract, emulated device, libmho, libmho-nn, tools, tests; the
# kernel module by way of Kbuild. This file says what there is to make; how it is
# made is in runtime/build/*.mk.
#
# Conventions:
#
# - Sources are found by wildcard: a new .c file in one of these places is built
#   by itself, without a change here.
#	firmware-if/topologies/*.dts		build/topologies/*.dtb, embedded
#	firmware-if/firmware/*.dts, *.its	build/firmware/*.dtb, *.itb, embedded
#	runtime/{core,backend}, emulator	libmho (.so and .a)
#	runtime/emulator/kernels/*.c		once per instruction set, MHO_ISA=<name>
#	runtime/nn				libmho-nn (.so and .a)
#	runtime/tools/common			linked into every tool
#	runtime/tools/<tool>			build/bin/<tool>
#	runtime/examples/<name>.c		build/examples/<name>
#	tests/unit/test_<area>.c		build/tests/test_<area>; lib/*.c is linked into all
#	tests/unit/*.sh				test scripts that print TAP
#	tests/fuzz/fuzz_<what>.c		build/fuzz/bin/fuzz_<what>
# - Includes are relative to runtime/include ("mho/mho.h"), firmware-if
#   ("mho_hw.h") and runtime, the root of what is internal ("emulator/mho_emu.h").
# - All output is below build/ (O=dir: elsewhere). SAN=address,undefined builds
#   into build/san-address-undefined/, beside the plain build. Other changes of
#   compiler or flags rebuild what they affect.
# - Packages are checked, and installed if that needs no password, before anything
#   is built (runtime/build/packages.sh has the table; NOINSTALL=1: only check).
#
# Variables for the command line:
#
## V=1                     print whole commands
## O=build                 directory for all output
## CC=gcc CXX=g++          compilers (CC=clang works too)
## CFLAGS="-O2 -g" LDFLAGS=  added to what the build needs by itself
## WERROR=1                make warnings errors
## SAN=address,undefined   build with these sanitizers, in a directory of their own
## T=test_api              (test) only programs whose names contain this
## NOVM=1                  (test) leave out what needs guests
## TIMEOUT=300             (test) seconds that one test program may take
## FUZZ_SECONDS=60         (fuzz) seconds per target
## SEEDS=1 DIGITS=file     (demo) number of seeds; where the digits CSV is, if apt cannot get it
## MNIST=dir SEEDS=3 EPOCHS=30 QUICK=1 ROWS=tau   (paper) MNIST's files; seeds; a small part of it; some rows
## DESTDIR= PREFIX=/usr/local LIBDIR=   (install) where to
## FWDIR=/lib/firmware/mho UDEVDIR=     (install) where to, with a PREFIX that is not the system's
## NOINSTALL=1             do not install missing packages, only name them

.DEFAULT_GOAL := all

include runtime/build/config.mk
include runtime/build/blobs.mk
include runtime/build/programs.mk
include runtime/build/tests.mk
include runtime/build/install.mk
include runtime/build/kernel.mk
include runtime/build/vm.mk

.PHONY: all demo bench paper docs format check-format clean help FORCE

all: libs tools examples topologies firmware ## Build everything but the tests (the default)

demo: all ## Train a network on the emulated card; results and pictures in build/demo/
	$(Q)MHO_BUILD='$(B)' SEEDS='$(SEEDS)' DIGITS='$(DIGITS)' runtime/tools/demo.sh

bench: $(B)/bin/mhoctl ## Measure the emulator beside OpenBLAS and io_uring; build/bench/emu.json
	$(Q)mkdir -p $(B)/bench
	$(Q)$(B)/bin/mhoctl bench --output $(B)/bench/emu.json

# Takes hours; what was trained once is not trained again.
paper: tools examples ## Reproduce published tables with MNIST=dir; tables and pictures in build/paper/
	$(Q)test -n '$(MNIST)' || { echo 'mho: MNIST= must name the directory with its four (or two) files' >&2; exit 1; }
	$(Q)python3 tests/bench/paper.py --build '$(B)' --mnist '$(MNIST)' --out '$(O)/paper' \
		--seeds '$(or $(SEEDS),3)' --epochs '$(or $(EPOCHS),$(if $(QUICK),5,30))' \
		$(if $(QUICK),--quick) --rows '$(ROWS)'

docs: ## Check the documentation: links, man pages (rendered to build/docs/)
	$(Q)runtime/build/check-docs.sh $(O)/docs README.md docs

FORMATTED := $(wildcard firmware-if/*.h $(foreach d,runtime tests,$(foreach e,c h, \
	$d/*.$e $d/*/*.$e $d/*/*/*.$e $d/*/*/*/*.$e)))

format: ## Format all C sources with clang-format
	$(Q)clang-format -i $(FORMATTED)

check-format: ## Say which C sources are not formatted
	$(Q)clang-format --dry-run -Werror $(FORMATTED)

clean: ## Remove all output
	$(Q)$(if $(BUILDING),:,rm -rf $(O))

help: ## Print this
	@echo 'Targets:'
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables:'
	@sed -n 's/^## /  /p' $(MAKEFILE_LIST)
