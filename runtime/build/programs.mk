# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Objects, the two libraries, tools and examples.

VERSION_OF = $(shell sed -n 's/^\#define MHO_VERSION_$1[ \t]*//p' runtime/include/mho/mho.h)
MAJOR := $(call VERSION_OF,MAJOR)
VERSION := $(MAJOR).$(call VERSION_OF,MINOR).$(call VERSION_OF,PATCH)
$(if $(BUILDING),$(if $(MAJOR),,\
	$(error runtime/include/mho/mho.h does not define MHO_VERSION_MAJOR)))

# C files of a directory and, for the larger parts, of its subdirectories.
sources = $(wildcard $(addsuffix /*.c,$1) $(addsuffix /*/*.c,$1))
objects = $(patsubst %.c,$(B)/obj/%.o,$1)

KERNEL_DIR := runtime/emulator/kernels
KERNEL_SRC := $(wildcard $(KERNEL_DIR)/*.c)
# The PCI server is for mho-emud: in the static library alone, which it is linked with.
SERVER_SRC := $(wildcard runtime/emulator/vfio_user*.c runtime/emulator/pci_config.c)
EMU_SRC := $(filter-out $(KERNEL_DIR)/% $(SERVER_SRC),$(call sources,runtime/emulator))
MHO_SRC := $(call sources,runtime/core runtime/backend runtime/trace)
NN_SRC := $(call sources,runtime/nn)
TOOL_COMMON_SRC := $(wildcard runtime/tools/common/*.c)
TOOLS := $(filter-out common,$(sort $(foreach f,$(wildcard runtime/tools/*/*.c), \
	$(word 3,$(subst /, ,$f)))))
EXAMPLES := $(patsubst runtime/examples/%.c,%,$(wildcard runtime/examples/*.c))

KERNEL_OBJ := $(foreach isa,$(ISAS),$(patsubst %.c,$(B)/obj/%.$(isa).o,$(KERNEL_SRC)))
MHO_OBJ := $(call objects,$(EMU_SRC) $(MHO_SRC)) $(KERNEL_OBJ) $(B)/obj/gen/blobs.o
NN_OBJ := $(call objects,$(NN_SRC))
TOOL_COMMON_OBJ := $(call objects,$(TOOL_COMMON_SRC))
# Of the library's inside mhoctl has two parts of its own, which libmho.so does not export: it records
# what the driver does for others, and fits the emulator's laws.
TRACE_SRC := $(wildcard runtime/trace/*.c)
LAW_SRC := $(wildcard runtime/emulator/models/*.c) runtime/emulator/phys_tech.c
MHOCTL_SRC := $(TRACE_SRC) $(LAW_SRC)
tool_obj = $(call objects,$(call sources,runtime/tools/$1) $(if $(filter mhoctl,$1),$(MHOCTL_SRC)))

# --- objects ------------------------------------------------------------------------------

compile = $(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $1 -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.c $(CFLAGS_STAMP)
	$(call say,CC,$@)
	$(call compile)

$(B)/obj/gen/%.o: $(O)/gen/%.c $(CFLAGS_STAMP)
	$(call say,CC,$@)
	$(call compile)

define kernel_rule
$(B)/obj/$(KERNEL_DIR)/%.$1.o: $(KERNEL_DIR)/%.c $(CFLAGS_STAMP)
	$$(call say,CC,$$@)
	$$(call compile,-DMHO_ISA=$1 $(ISA_CFLAGS_$1) $(KERNEL_CFLAGS))
endef
$(foreach isa,$(ISAS),$(eval $(call kernel_rule,$(isa))))

# --- libraries ----------------------------------------------------------------------------

.PHONY: libs tools examples

# $(call library,NAME,OBJECTS,LIBS,OTHER_LIBRARY): static and shared library with the usual
# two symbolic links. The list of objects is a dependency, so that a removed source counts.
# A shared library with sanitizers leaves their runtime to the program.
define library
$(call stamp,$(B)/obj/.$1.list,$2)

$(B)/lib/$1.a: $2 $(B)/obj/.$1.list
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && $(AR) rcs $$@ $$(filter %.o,$$^)

$(B)/lib/$1.so.$(VERSION): $2 runtime/$1.map $4 $(B)/obj/.$1.list $(LDFLAGS_STAMP)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D) && $(CC) -shared -Wl,-soname,$1.so.$(MAJOR) \
		-Wl,--version-script=runtime/$1.map $(if $(SAN),,-Wl$(comma)-z$(comma)defs) \
		$(ALL_LDFLAGS) -o $$@ $2 $4 $3
	$$(Q)ln -sf $1.so.$(VERSION) $(B)/lib/$1.so.$(MAJOR)

$(B)/lib/$1.so: $(B)/lib/$1.so.$(VERSION)
	$$(Q)ln -sf $1.so.$(MAJOR) $$@
endef

LIBMHO := $(B)/lib/libmho
LIBNN := $(B)/lib/libmho-nn
# In the order in which a linker wants them. Without sources below runtime/nn, libmho alone.
LIBS := $(if $(NN_SRC),$(LIBNN)) $(LIBMHO)
SHARED_LIBS := $(LIBS:=.so)
STATIC_LIBS := $(LIBS:=.a)
$(eval $(call library,libmho,$(MHO_OBJ),$(MHO_LIBS),))
$(eval $(call library,libmho-nn,$(NN_OBJ),$(NN_LIBS),$(LIBMHO).so))

SERVER_OBJ := $(call objects,$(SERVER_SRC))
$(LIBMHO).a: $(SERVER_OBJ)

libs: $(SHARED_LIBS) $(STATIC_LIBS) ## Build libmho and libmho-nn

# --- tools and examples -------------------------------------------------------------------
#
# They find the libraries at ../lib from where they lie: in build/ as under PREFIX. That
# path does not count for what libmho-nn needs in turn, so each program names libmho itself.

RPATH := -Wl,-rpath,'$$ORIGIN/../lib'
# Tools that use what libmho.so does not export. Of the common objects they get this one.
STATIC_TOOLS := mho-emud
STATIC_COMMON_OBJ := $(filter %/std_streams.o,$(TOOL_COMMON_OBJ))
$(STATIC_TOOLS:%=$(B)/bin/%): $(LIBMHO).a
shared_objects = $1 $(filter %-nn.so,$(SHARED_LIBS)) -Wl,--no-as-needed $(LIBMHO).so \
	-Wl,--as-needed $(TOOL_LIBS) $(if $(filter mhoctl,$(@F)),$(MHOCTL_LIBS))
static_objects = $(filter-out $(filter-out $(STATIC_COMMON_OBJ),$(TOOL_COMMON_OBJ)),$1) \
	$(LIBMHO).a $(TOOL_LIBS) $(MHO_LIBS)
# $(call link,OBJECTS,RPATH)
link = $(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $2 -o $@ \
	$(if $(filter $(STATIC_TOOLS),$(@F)),$(static_objects),$(shared_objects))

define tool_rule
$(B)/bin/$1: $(call tool_obj,$1) $(TOOL_COMMON_OBJ) $(SHARED_LIBS) $(LDFLAGS_STAMP)
	$$(call say,LD,$$@)
	$$(call link,$$(filter %.o,$$^),$$(RPATH))
endef
$(foreach tool,$(TOOLS),$(eval $(call tool_rule,$(tool))))

$(B)/examples/%: $(B)/obj/runtime/examples/%.o $(SHARED_LIBS) $(LDFLAGS_STAMP)
	$(call say,LD,$@)
	$(call link,$<,$(RPATH))

tools: $(TOOLS:%=$(B)/bin/%) ## Build mhoctl, mho-train, mho-infer, mho-emud
examples: $(EXAMPLES:%=$(B)/examples/%) ## Build the example programs

DEPS := $(patsubst %.o,%.d,$(MHO_OBJ) $(SERVER_OBJ) $(NN_OBJ) $(TOOL_COMMON_OBJ) \
	$(foreach tool,$(TOOLS),$(call tool_obj,$(tool))) \
	$(EXAMPLES:%=$(B)/obj/runtime/examples/%.o))
-include $(DEPS)

# --- exported symbols ---------------------------------------------------------------------

NN_HEADERS := $(wildcard runtime/include/mho/nn*.h)
MHO_HEADERS := $(filter-out $(NN_HEADERS),$(wildcard runtime/include/mho/*.h))

.PHONY: update-symbols
update-symbols: ## Rewrite the version scripts from what the headers declare MHO_API
	$(Q)runtime/build/symbols.sh update runtime/libmho.map LIBMHO_0.1 $(MHO_HEADERS)
	$(Q)runtime/build/symbols.sh update runtime/libmho-nn.map LIBMHO_NN_0.1 $(NN_HEADERS)
