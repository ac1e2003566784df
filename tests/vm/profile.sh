# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Which tests run in which kind of guest (docs/testing.md, "Profiles"). To be sourced by
# run.sh, which boots no guest without tests, and by init, which runs them.

# shellcheck disable=SC2034 # for those who source this
profiles="native plug iommu"
# shellcheck disable=SC2034
debug_profiles="$profiles leaks"

# of_profile PROFILE NAME: whether the test NAME runs in a guest of that kind.
of_profile()
{
	case $1/$2 in
	# QEMU's PCI Express slot takes the card off when the guest wakes up.
	plug/test_plug_* | plug/test_suspend) ;;
	*/test_plug_* | */test_suspend) return 1 ;;
	native/*) ;;
	# What takes memory and gives it back, on every way that there is; once more, for kmemleak.
	leaks/test_fail_nth | leaks/test_reload | leaks/test_clients | leaks/test_prime) ;;
	leaks/test_window | leaks/test_crash | leaks/test_hang | leaks/test_uring_*) ;;
	# What moves data, and what maps it anew.
	iommu/test_buffers | iommu/test_prime | iommu/test_pci_reset) ;;
	*) return 1 ;;
	esac
}
