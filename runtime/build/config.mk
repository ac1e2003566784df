# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# What every rule shares: directories, packages, compiler, flags. No rules for
# outputs here.

ifeq ($(filter 4.3% 4.4% 4.5% 4.6% 4.7% 4.8% 4.9% 5.%,$(MAKE_VERSION)),)
$(error GNU make 4.3 or later is needed, this is $(MAKE_VERSION))
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Nobody waits for one core of many: as many jobs as processors unless told otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
# Nothing is an intermediate file that make should remove.
.SECONDARY:

comma := ,

# Not from the environment, where names as short as these may mean anything.
O := build
V :=
T :=
SAN :=
NOVM :=
B := $(O)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
Q := $(if $(V),,@)
# $(call say,WHAT,FILE): one line per step, unless the commands are printed anyway.
say = $(if $(V),@:,@printf '  %-8s %s\n' '$1' '$2')

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= $(if $(SAN),-O1,-O2) -g
INSTALL ?= install
DTC ?= dtc
MKIMAGE ?= mkimage

GOALS := $(or $(MAKECMDGOALS),all)
NO_BUILD := clean help uninstall docs vm-clean format check-format update-symbols modules \
	modules_install modules_uninstall install-dkms uninstall-dkms in-tree
BUILDING := $(filter-out $(NO_BUILD),$(GOALS))
# Single-letter flags are the first word, without a dash.
DRY_RUN := $(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS))))

# "make clean all": first things first, also with -j.
ifneq ($(and $(filter clean,$(GOALS)),$(BUILDING)),)
$(if $(DRY_RUN),,$(shell rm -rf $(O)))
endif

# --- packages -----------------------------------------------------------------------------
#
# Here, while make reads this file, since what follows asks pkg-config.

PACKAGE_GROUPS := $(strip \
	$(if $(BUILDING),build $(if $(findstring clang,$(CC)),clang)) \
	$(if $(filter test%,$(BUILDING)),test) \
	$(if $(filter check-headers check-symbols,$(BUILDING)),test) \
	$(if $(filter fuzz%,$(BUILDING)),fuzz) \
	$(if $(filter demo,$(BUILDING)),demo) \
	$(if $(filter paper,$(BUILDING)),paper) \
	$(if $(filter vm% check-install check-kernel check-in-tree $(if $(NOVM),,test), \
		$(BUILDING)),vm) \
	$(if $(filter docs,$(GOALS)),docs) \
	$(if $(filter format check-format,$(GOALS)),format))

ifneq ($(PACKAGE_GROUPS),)
PACKAGE_VERB := $(if $(DRY_RUN),check,ensure)
ifneq ($(shell NOINSTALL='$(NOINSTALL)' runtime/build/packages.sh $(PACKAGE_VERB) \
	$(O)/.packages $(PACKAGE_GROUPS) >&2 && echo ok),ok)
$(error cannot make "$(GOALS)", see above)
endif
endif

ifneq ($(BUILDING),)

# --- libraries ----------------------------------------------------------------------------

PKG_CONFIG ?= pkg-config
PACKAGES := liburing libdrm libcrypto zlib json-c smartcols openblas
# Of mhoctl alone. Without its --cflags: macros of an older POSIX than this build's.
CURSES := ncursesw
ifneq ($(shell $(PKG_CONFIG) --print-errors --exists 'liburing >= 2.3' \
	$(filter-out liburing,$(PACKAGES)) $(CURSES) 2>&1 && echo ok),ok)
$(error $(shell $(PKG_CONFIG) --print-errors --exists 'liburing >= 2.3' \
	$(filter-out liburing,$(PACKAGES)) $(CURSES) 2>&1))
endif
pkg_libs = $(shell $(PKG_CONFIG) --libs $1)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES))

MHO_LIBS := $(call pkg_libs,liburing libdrm libcrypto openblas) -lfdt -lm -pthread
NN_LIBS := $(call pkg_libs,zlib json-c openblas) -lm -pthread
TOOL_LIBS := $(call pkg_libs,json-c smartcols zlib openblas liburing) -lfdt -lm -pthread
MHOCTL_LIBS := $(call pkg_libs,$(CURSES))

# --- compiler -----------------------------------------------------------------------------

CC_TARGET := $(shell $(CC) -dumpmachine)
ifeq ($(CC_TARGET),)
$(error the compiler "$(CC)" does not run)
endif
X86 := $(filter x86_64-%,$(CC_TARGET))

INCLUDES := -Iruntime/include -Ifirmware-if -Iuapi -Iruntime
WARNINGS := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes $(if $(WERROR),-Werror)
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# No contraction to fused multiply-adds: every instruction set must give the same bits.
BASE_CFLAGS := -std=c11 $(WARNINGS) -fvisibility=hidden -fPIC -pthread -D_GNU_SOURCE \
	$(if $(X86),-DMHO_X86=1) -ffp-contract=off $(INCLUDES) $(PKG_CFLAGS)
ALL_CFLAGS := $(BASE_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(SAN_FLAGS)
ALL_LDFLAGS := -Wl,--as-needed $(LDFLAGS) $(SAN_FLAGS)

# The inner loops once per instruction set; which one runs is decided at run time.
ISAS := generic $(if $(X86),avx2 avx512)
ISA_CFLAGS_generic :=
ISA_CFLAGS_avx2 := -mavx2 -mf16c -mpopcnt
ISA_CFLAGS_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vpopcntdq -mf16c \
	-mprefer-vector-width=512
KERNEL_CFLAGS := $(if $(SAN),,-O3) -fno-math-errno -fno-trapping-math

# $(call stamp,FILE,TEXT): FILE holds TEXT; it is written only when TEXT has changed. What
# depends on a list of files or on flags depends on such a file.
stamp = $(if $(and $(wildcard $1),$(findstring |$(strip $2)|,|$(strip $(file <$1))|)),, \
	$(call write,$1,$2))
write = $(shell mkdir -p $(dir $1))$(file >$1,$2)

CFLAGS_STAMP := $(B)/obj/.cflags
LDFLAGS_STAMP := $(B)/obj/.ldflags
CC_VERSION := $(shell $(CC) --version | head -n 1)
$(call stamp,$(CFLAGS_STAMP),$(CC) $(CC_VERSION) $(ALL_CFLAGS) $(KERNEL_CFLAGS) \
	$(foreach isa,$(ISAS),$(ISA_CFLAGS_$(isa))))
$(call stamp,$(LDFLAGS_STAMP),$(CC) $(CC_VERSION) $(ALL_LDFLAGS) $(MHO_LIBS) \
	$(NN_LIBS) $(TOOL_LIBS) $(MHOCTL_LIBS))

endif # BUILDING
