# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# The kernel module: out of tree, with DKMS, and into a kernel tree. What Kbuild makes
# of the sources says the file Kbuild; for guests it is built by tests/vm/guest.mk.
#
# Variables for the command line:
#
## KDIR=/lib/modules/RELEASE/build   (modules) headers of the kernel to build for
## W=1                     (modules) more of the kernel's own warnings
## INSTALL_MOD_PATH=       (modules_install) prefix of /lib/modules
## LINUX=DIR               (in-tree) kernel tree to put the driver into

KDIR := /lib/modules/$(shell uname -r)/build
W :=
INSTALL_MOD_PATH :=
MODULE_OUT := $(O)/module
KERNEL_JOBS := $(or $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS))),1)
MODULE = runtime/build/module.sh

.PHONY: modules modules_install modules_uninstall install-dkms uninstall-dkms in-tree check-install \
	check-kernel check-in-tree

modules: ## Build mho.ko for the running kernel, or for KDIR=
	$(Q)$(MODULE) build '$(KDIR)' '$(MODULE_OUT)' '$(KERNEL_JOBS)' $(if $V,V=$V) $(if $W,W=$W)

modules_install: ## Install what "make modules" has built; depmod
	$(Q)$(MODULE) install '$(KDIR)' '$(MODULE_OUT)' '$(INSTALL_MOD_PATH)'

modules_uninstall: ## Remove the module again
	$(Q)$(MODULE) uninstall '$(KDIR)' '$(MODULE_OUT)' '$(INSTALL_MOD_PATH)'

install-dkms: ## Give the driver to DKMS, which builds it for every kernel that is installed
	$(Q)runtime/build/dkms.sh install '$(VERSION)' '$(DESTDIR)'

uninstall-dkms: ## Take it from DKMS again
	$(Q)runtime/build/dkms.sh uninstall '$(VERSION)' '$(DESTDIR)'

in-tree: ## Put the driver into the kernel tree LINUX= as drivers/accel/mho
	$(Q)runtime/build/into-linux.sh '$(LINUX)'

# --- checks, in the Debian tree of the guests (runtime/build/vm.mk) ------------------------

# $(call in_vm_tree,TITLE,COMMAND): COMMAND there, as one test of run-tests.sh. What making the
# tree says comes first.
in_vm_tree = $(Q)$(VM_RUN) tree true && \
	$(RUN_TESTS) '$1=env MHO_VM=$(VM) tests/vm/run.sh tree $2'
check-install check-kernel check-in-tree: TIMEOUT := 1800

check-kernel: ## Judge the driver with the kernel's own tools: checkpatch, sparse, W=1, ...
	$(call in_vm_tree,driver,tests/vm/check-kernel.sh $(KERNEL_JOBS))

check-in-tree: ## Compile the driver in place, in the sources of each kernel (downloads them)
	$(Q)$(VM_RUN) tree tests/vm/linux-source.sh driver
	$(call in_vm_tree,driver in kernel trees,tests/vm/check-in-tree.sh $(KERNEL_JOBS))

check-install: ## Install and remove module, DKMS, udev rule, everything, in a Debian 13
	$(call in_vm_tree,installation,tests/vm/check-install.sh $(KERNEL_JOBS))
