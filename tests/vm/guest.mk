# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# What a guest with kernel KVER runs: module, test programs, kselftest, initramfs. To be made
# inside the tree (in-tree.sh), after the userspace half has been made in /vm/out.
# With BARE=1, in a directory of its own, without the module. KROOT= names the directory that has the
# kernel's boot and lib/modules, if not /.

ifndef KVER
$(error KVER= must name the kernel)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:

HERE := tests/vm
OUT := /vm/out
GUEST := /vm/guest/$(KVER)$(if $(BARE),-bare)
PROGRAMS := $(patsubst $(HERE)/guest/%.c,/vm/guest/tests/%,$(wildcard $(HERE)/guest/*.c))
BENCH := /vm/guest/bench/vm_bench
SCRIPTS := $(patsubst $(HERE)/guest/%.sh,/vm/guest/tests/%,$(wildcard $(HERE)/guest/*.sh))
# With BARE=1 there is no module, and the guest's device has no driver.
MODULE := $(if $(BARE),,$(if $(shell grep '^obj-' Kbuild),$(GUEST)/module.stamp))
KSELFTEST := /vm/guest/kselftest
KBUILD_IGNORES := *.o *.ko *.mod *.mod.c .*.cmd .*.d *.order Module.symvers

.PHONY: all FORCE
all: $(GUEST)/initramfs.cpio

# drm.h, which the driver's header includes, is the kernel's.
/vm/guest/tests/%: $(HERE)/guest/%.c $(wildcard $(HERE)/guest/*.h firmware-if/*.h uapi/drm/*.h)
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -static -Ifirmware-if -Iuapi \
		-idirafter /usr/include/drm -o $@ $<

# What is called so uses libmho or libmho-nn, which are in the guest for the tools.
/vm/guest/tests/libmho_%: $(HERE)/guest/libmho_%.c $(HERE)/guest/libmho_guest.h $(OUT)/lib/libmho.so \
		$(OUT)/lib/libmho-nn.so
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -Iruntime/include -o $@ $< \
		-L$(OUT)/lib -Wl,--as-needed -lmho-nn -lmho -lm -Wl,-rpath-link,$(OUT)/lib

/vm/guest/tests/%: $(HERE)/guest/%.sh
	@mkdir -p $(@D)
	install -m 755 $< $@

# Not a test: a program that "make vm-bench" runs.
$(BENCH): $(wildcard tests/bench/vm_*.[ch] uapi/drm/*.h runtime/trace/trace_point.[ch])
	@mkdir -p $(@D)
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -static -Iuapi -Iruntime \
		-idirafter /usr/include/drm -o $@ $(filter %.c,$^) -luring -lm

# Kbuild writes beside the sources, so it gets a copy of them for each kernel. What it has to
# make again it knows best; the stamp changes only when the module does.
$(GUEST)/module.stamp: FORCE
	@mkdir -p $(GUEST)/module
	rsync -a --delete $(KBUILD_IGNORES:%=--exclude='%') Kbuild kernel uapi firmware-if \
		$(GUEST)/module/
	+$(MAKE) -C $(KROOT)/lib/modules/$(KVER)/build M=$(GUEST)/module modules
	@find $(GUEST)/module -name '*.ko' -exec sha256sum {} + >$@.new
	@test -s $@.new || { echo 'mho: Kbuild has made no module' >&2; exit 1; }
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# What there is to make again its own Makefile knows.
$(KSELFTEST).stamp: FORCE
	+$(HERE)/kselftest.sh $(KSELFTEST)
	@(cd $(KSELFTEST) && find . -type f -exec sha256sum {} +) >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(GUEST)/initramfs.cpio: $(HERE)/initramfs.sh $(HERE)/init $(HERE)/profile.sh $(HERE)/modules \
		$(HERE)/debug/checkers.sh \
		$(PROGRAMS) $(SCRIPTS) $(BENCH) $(KSELFTEST).stamp $(MODULE) \
		$(wildcard runtime/udev/*.rules $(OUT)/bin/* $(OUT)/lib/* $(OUT)/firmware/* $(OUT)/examples/*)
	@mkdir -p $(@D)
	KROOT=$(KROOT) $(HERE)/initramfs.sh $(KVER) $@ $(if $(MODULE),$(GUEST)/module)
