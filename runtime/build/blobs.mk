# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Topologies and firmware images from firmware-if/, and the C file that embeds
# them in libmho. They are the same for every compiler and sanitizer, so they lie
# in $(O), not in $(B).

TOPOLOGY_DIR := firmware-if/topologies
FIRMWARE_DIR := firmware-if/firmware
TOPOLOGIES := $(patsubst $(TOPOLOGY_DIR)/%.dts,$(O)/topologies/%.dtb, \
	$(wildcard $(TOPOLOGY_DIR)/*.dts))
FIRMWARE_TABLES := $(patsubst $(FIRMWARE_DIR)/%.dts,$(O)/firmware/%.dtb, \
	$(wildcard $(FIRMWARE_DIR)/*.dts))
FIRMWARE_IMAGES := $(patsubst $(FIRMWARE_DIR)/%.its,$(O)/firmware/%.itb, \
	$(wildcard $(FIRMWARE_DIR)/*.its))

# A FIT holds the time it was made. The same sources are to give the same image, and its
# hash, everywhere; 2026-01-01 stands for "built from source" unless a packager sets it.
SOURCE_DATE_EPOCH ?= 1767225600
export SOURCE_DATE_EPOCH

.PHONY: topologies firmware
topologies: $(TOPOLOGIES)
firmware: $(FIRMWARE_IMAGES)

# $(call dtc,INCLUDE_DIR): .dtb from .dts, with a dependency file for its includes.
dtc = $(Q)mkdir -p $(@D) && $(DTC) -I dts -O dtb -i $1 -d $@.d -o $@ $<

$(O)/topologies/%.dtb: $(TOPOLOGY_DIR)/%.dts
	$(call say,DTC,$@)
	$(call dtc,$(TOPOLOGY_DIR))

$(O)/firmware/%.dtb: $(FIRMWARE_DIR)/%.dts
	$(call say,DTC,$@)
	$(call dtc,$(FIRMWARE_DIR))

# /incbin/ looks beside the .its and in $(O)/firmware. 500 bytes of room are mkimage's
# default for the hashes that it adds. What mkimage prints interests only when it fails.
$(O)/firmware/%.itb: $(FIRMWARE_DIR)/%.its $(FIRMWARE_TABLES) $(wildcard $(FIRMWARE_DIR)/*.bin)
	$(call say,MKIMAGE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(MKIMAGE) -D '-I dts -O dtb -p 500 -i $(O)/firmware' -f $< $@ >$@.log 2>&1 \
		|| { cat $@.log >&2; rm -f $@; exit 1; }

BLOBS := $(foreach f,$(TOPOLOGIES),topology/$(basename $(notdir $f))=$f) \
	$(foreach f,$(FIRMWARE_IMAGES),firmware/$(basename $(notdir $f))=$f)
BLOBS_STAMP := $(O)/gen/.blobs
$(call stamp,$(BLOBS_STAMP),$(BLOBS))

$(O)/gen/blobs.c: runtime/build/embed.sh $(TOPOLOGIES) $(FIRMWARE_IMAGES) $(BLOBS_STAMP)
	$(call say,EMBED,$@)
	$(Q)mkdir -p $(@D) && runtime/build/embed.sh $(BLOBS) >$@

-include $(TOPOLOGIES:=.d) $(FIRMWARE_TABLES:=.d)
