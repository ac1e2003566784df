#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# mhoctl on a card, by users with and without the right to open it: mhoctl_card.sh
# has the cases. KTAP.

# shellcheck disable=SC2034 # for the other
part=users
# shellcheck source=tests/vm/guest/mhoctl_card.sh
. "$(dirname "$0")/mhoctl_card"
