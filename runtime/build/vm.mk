# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Test guests: the driver and the tools on stock Debian kernels, with the emulated
# card attached to QEMU. How it is done: tests/vm/run.sh; for whom: docs/testing.md.
#
# Variables for the command line:
#
## KERNEL=6.12             (vm, vm-test, vm-demo, vm-bench) kernel of the guest; those there are: build/vm/kernels;
##                         debug-6.12: the debug kernel of its source
## PROFILE=plug            (vm, vm-test) kind of guest: native, plug, iommu, leaks (tests/vm/session.sh)
## TOPOLOGY=small          (vm, vm-test, vm-demo) topology of the emulated card
## FAULT=SPEC              (vm, vm-test) a fault that the card has from the start
## EMUD="OPTION..."        (vm, vm-test) more options for mho-emud
## RUN="COMMAND"           (vm) run this in the guest instead of a shell
## SEED=1 EPOCHS=30         (vm-demo) of the training
## PARTS="driver ways fair" (vm-bench) parts to measure (all)
## BARE=1                  (vm, vm-test) without the driver
## ACCEL=tcg               (vm, vm-test) do not try KVM
## MIRROR=URL              (vm, vm-test) Debian mirror, if not the one that this host uses

VM := $(O)/vm
VM_JOBS := $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS)))
VM_ENV = MHO_VM='$(VM)' KERNEL='$(KERNEL)' PROFILE='$(PROFILE)' TOPOLOGY='$(TOPOLOGY)' FAULT='$(FAULT)' EMUD='$(EMUD)' \
	ACCEL='$(ACCEL)' BARE='$(BARE)' MIRROR='$(MIRROR)' ONLY='$T' JOBS='$(VM_JOBS)'
VM_RUN = $(VM_ENV) tests/vm/run.sh
# RUN= with its quotes, as one word of the shell.
VM_COMMAND = '$(subst ','\'',$(RUN))'

# Sets the shell's arguments to one test of run-tests.sh for each kernel: its results.
VM_RESULTS = set --; for kernel in $(or $(KERNEL),$$(cut -d ' ' -f 1 '$(VM)/kernels')); do \
	set -- "$$@" "Linux $$kernel=cat $(VM)/result/$$kernel.tap"; done

.PHONY: vm vm-build vm-guests vm-test test-debug-kernel vm-demo vm-bench vm-mutants vm-clean

vm: ## Shell in a guest with the emulated card; with RUN=, a command
	$(Q)$(VM_RUN) $(if $(RUN),command $(VM_COMMAND),shell)

vm-build: ## Make what guests need, without starting one (the first time: minutes)
	$(Q)$(VM_RUN) build

# Guests take as long as they take, and leave TAP; to count it is a moment's work.
vm-guests:
	$(Q)$(VM_RUN) test

vm-test: vm-guests ## Run the guests' tests on every kernel (or KERNEL=)
	$(Q)$(VM_RESULTS); $(RUN_TESTS) "$$@"

# The same, with the debug kernels of what KERNEL= names.
test-debug-kernel: override KERNEL := $(addprefix debug-,$(or $(KERNEL),6.12))
test-debug-kernel: vm-guests ## Run the guests' tests on a kernel with KASAN, lockdep, ... (6.12 or KERNEL=)
	$(Q)$(VM_RESULTS); $(RUN_TESTS) "$$@"

vm-demo: ## Train the digits through the driver in a guest, and in process: the same weights?
	$(Q)digits=$$(MHO_BUILD='$(B)' DIGITS='$(DIGITS)' runtime/tools/demo-data.sh) && \
		SEED='$(SEED)' EPOCHS='$(EPOCHS)' $(VM_ENV) tests/vm/demo.sh "$$digits"

# The last line of what the program prints is JSON; its status is that of the bar.
vm-bench: ## Measure the driver in a guest; build/bench/vm.json
	$(Q)mkdir -p $(O)/bench
	$(Q)$(VM_RUN) command "vm_bench $(PARTS)" >$(O)/bench/vm.txt; status=$$?; \
		grep -v '^{' $(O)/bench/vm.txt; \
		grep '^{' $(O)/bench/vm.txt >$(O)/bench/vm.json; exit $$status

vm-mutants: ## See tests fail: run them on drivers that lack what they test (T= some; KERNEL=)
	$(Q)$(VM_RUN) mutants >/dev/null
	$(Q)$(RUN_TESTS) 'mutants=cat $(VM)/result/mutants.tap'

vm-clean: ## Remove everything that belongs to guests, the Debian tree too
	$(Q)MHO_VM='$(VM)' tests/vm/clean.sh
