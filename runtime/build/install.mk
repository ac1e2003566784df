# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Installing. Paths are put into files here, never at build time, so that
# "make && make install PREFIX=/usr" is right.

PREFIX := /usr/local
MULTIARCH := $(strip $(if $(BUILDING)$(filter uninstall,$(GOALS)), \
	$(shell $(CC) -print-multiarch 2>/dev/null)))
# Debian's convention for what belongs to the system.
LIBDIR := $(PREFIX)/lib$(if $(and $(filter /usr,$(PREFIX)),$(MULTIARCH)),/$(MULTIARCH))
BINDIR := $(PREFIX)/bin
INCLUDEDIR := $(PREFIX)/include
DATADIR := $(PREFIX)/share
MANDIR := $(DATADIR)/man
COMPLETIONDIR := $(DATADIR)/bash-completion/completions
# The kernel and udev look nowhere else. With a PREFIX of its own an installation is not the
# system's, and leaves these out unless they are named.
FWDIR := $(if $(filter /usr /usr/local,$(PREFIX)),/lib/firmware/mho)
UDEVDIR := $(if $(filter /usr /usr/local,$(PREFIX)),$(PREFIX)/lib/udev/rules.d)

MAN_PAGES := $(wildcard docs/man/*.[1-8])
COMPLETIONS := $(wildcard runtime/tools/*/*.bash)
UDEV_RULES := $(wildcard runtime/udev/*.rules)
TOPOLOGY_SRC := $(wildcard $(TOPOLOGY_DIR)/*.dts $(TOPOLOGY_DIR)/*.dtsi)

.PHONY: install uninstall

# The build tree's programs look in ../lib. Where LIBDIR is elsewhere they are linked again:
# to look in LIBDIR, or nowhere special if the system's linker looks there by itself.
SYSTEM_LIBDIRS := /lib /usr/lib /lib/$(MULTIARCH) /usr/lib/$(MULTIARCH) /lib64 /usr/lib64
RELINK := $(if $(filter $(LIBDIR),$(PREFIX)/lib),,yes)
INSTALLED_BIN := $(if $(RELINK),$(B)/install/bin,$(B)/bin)
INSTALL_RPATH := $(if $(filter $(LIBDIR),$(SYSTEM_LIBDIRS)),,-Wl,-rpath,$(LIBDIR))

ifneq ($(BUILDING),)
INSTALL_STAMP := $(B)/install/.rpath
$(call stamp,$(INSTALL_STAMP),$(INSTALL_RPATH))

define relink_rule
$(B)/install/bin/$1: $(B)/bin/$1 $(INSTALL_STAMP)
	$$(call say,RELINK,$$@)
	$$(call link,$(call tool_obj,$1) $(TOOL_COMMON_OBJ),$$(INSTALL_RPATH))
endef
$(foreach tool,$(TOOLS),$(eval $(call relink_rule,$(tool))))
endif

D = $(DESTDIR)
put = $(INSTALL) -m 644

# What keeps lists of such files learns of them; udev, where it runs, looks at the cards again.
refresh = if [ -z '$D' ] && [ "$$(id -u)" = 0 ]; then ldconfig; \
	if [ -n '$(UDEVDIR)' ] && [ -S /run/udev/control ]; then udevadm control --reload && \
	udevadm trigger --action=change --subsystem-match=accel; fi; fi

# $(call put_library,NAME): shared library, its links, static library.
put_library = $(Q)$(INSTALL) -m 755 $(B)/lib/$1.so.$(VERSION) '$D$(LIBDIR)/' && \
	ln -sf $1.so.$(VERSION) '$D$(LIBDIR)/$1.so.$(MAJOR)' && \
	ln -sf $1.so.$(MAJOR) '$D$(LIBDIR)/$1.so' && \
	$(put) $(B)/lib/$1.a '$D$(LIBDIR)/'

# $(call put_all,FILES,DIRECTORY): copies FILES, if there are any.
put_all = $(Q)$(if $(strip $1),$(INSTALL) -d '$D$2' && $(put) $1 '$D$2/',:)

# $(call put_pc,NAME)
put_pc = $(Q)sed -e 's|@PREFIX@|$(PREFIX)|' \
	-e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
	-e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
	-e 's|@VERSION@|$(VERSION)|' runtime/$1.pc.in >'$D$(LIBDIR)/pkgconfig/$1.pc'

install: libs tools topologies firmware $(TOOLS:%=$(INSTALLED_BIN)/%) ## Install to DESTDIR/PREFIX
	$(call say,INSTALL,$D$(PREFIX))
	$(Q)mkdir -p '$D$(LIBDIR)/pkgconfig' && test -w '$D$(LIBDIR)/pkgconfig' || { echo \
		'mho: cannot write to $D$(LIBDIR): sudo make install, or name another PREFIX' >&2; \
		exit 1; }
	$(Q)$(INSTALL) -d '$D$(LIBDIR)/pkgconfig' '$D$(BINDIR)' '$D$(INCLUDEDIR)/mho'
	$(call put_library,libmho)
	$(call put_library,libmho-nn)
	$(call put_pc,mho)
	$(call put_pc,mho-nn)
	$(call put_all,$(MHO_HEADERS) $(NN_HEADERS),$(INCLUDEDIR)/mho)
	$(Q)$(if $(TOOLS),$(INSTALL) -m 755 $(TOOLS:%=$(INSTALLED_BIN)/%) '$D$(BINDIR)/')
	$(call put_all,$(TOPOLOGIES) $(TOPOLOGY_SRC),$(DATADIR)/mho/topologies)
	$(call put_all,$(FIRMWARE_IMAGES),$(DATADIR)/mho/firmware)
	$(Q)set -e; for page in $(MAN_PAGES); do \
		$(INSTALL) -D -m 644 $$page "$D$(MANDIR)/man$${page##*.}/$${page##*/}"; done
	$(Q)set -e; for file in $(COMPLETIONS); do name=$${file##*/}; \
		$(INSTALL) -D -m 644 $$file "$D$(COMPLETIONDIR)/$${name%.bash}"; done
	$(call put_all,$(if $(FWDIR),$(FIRMWARE_IMAGES)),$(FWDIR))
	$(call put_all,$(if $(UDEVDIR),$(UDEV_RULES)),$(UDEVDIR))
	$(Q)$(if $(and $(FWDIR),$(UDEVDIR)),:,echo 'mho: not for PREFIX=$(PREFIX): udev rule and' \
		'firmware for the driver; see UDEVDIR= and FWDIR=')
	$(Q)$(refresh)

installed_library = $(addprefix $(LIBDIR)/,$1.so $1.so.$(MAJOR) $1.so.$(VERSION) $1.a)
INSTALLED = $(call installed_library,libmho) $(call installed_library,libmho-nn) \
	$(LIBDIR)/pkgconfig/mho.pc $(LIBDIR)/pkgconfig/mho-nn.pc \
	$(TOOLS:%=$(BINDIR)/%) \
	$(foreach p,$(MAN_PAGES),$(MANDIR)/man$(patsubst .%,%,$(suffix $p))/$(notdir $p)) \
	$(if $(UDEVDIR),$(addprefix $(UDEVDIR)/,$(notdir $(UDEV_RULES)))) \
	$(foreach c,$(COMPLETIONS),$(COMPLETIONDIR)/$(basename $(notdir $c)))

uninstall: ## Remove what install put there (same DESTDIR, PREFIX)
	$(Q)rm -f $(foreach f,$(INSTALLED),'$D$f')
	$(Q)rm -rf '$D$(INCLUDEDIR)/mho' '$D$(DATADIR)/mho' $(if $(FWDIR),'$D$(FWDIR)')
	$(Q)$(refresh)
