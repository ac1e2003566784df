#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Compares the two trainings of demo.sh: what they reached, what it cost, and every bit of the
# weights that were read back at the end. The status is 0 only if those are identical.
#
#	demo.py DIRECTORY

import json
import struct
import sys

# As runtime/nn/container.h describes the file.
HEAD = struct.Struct("<8sIIQ")
MAGIC = b"mho-nn\r\n"


def read_checkpoint(path):
    """Returns the text and the array of a checkpoint."""
    with open(path, "rb") as file:
        content = file.read()
    magic, version, text, array = HEAD.unpack_from(content)
    if magic != MAGIC or version != 1 or len(content) != HEAD.size + text + array + 4:
        sys.exit("%s: is no checkpoint" % path)
    start = HEAD.size + text
    return json.loads(content[HEAD.size:start]), content[start:start + array]


def print_run(name, text):
    """One line of the table."""
    epochs = text["history"]
    print("%-20s %8.2f %% %12.3f ms %10.3f uJ %12d" % (
        name, 100 * epochs[-1]["test_accuracy"], sum(e["device_ns"] for e in epochs) / 1e6,
        sum(e["energy_fj"] for e in epochs) / 1e9, sum(e["pulses"] for e in epochs)))


def differences(one, other):
    """How many 32-bit words differ."""
    words = struct.Struct("<%dI" % (len(one) // 4))
    return sum(a != b for a, b in zip(words.unpack(one), words.unpack(other)))


def main():
    """Compares."""
    directory = sys.argv[1]
    driver, driver_weights = read_checkpoint(directory + "/driver.checkpoint")
    process, process_weights = read_checkpoint(directory + "/process.checkpoint")
    print("%-20s %10s %15s %13s %12s" % ("", "held-out", "device time", "energy", "pulses"))
    print_run("through the driver", driver)
    print_run("in process", process)
    same = driver_weights == process_weights
    if len(driver_weights) != len(process_weights):
        print("%d and %d bytes of weights" % (len(driver_weights), len(process_weights)))
    elif not same:
        print("%d of %d weights differ" % (
            differences(driver_weights, process_weights), len(driver_weights) // 4))
    print("weights identical to the in-process run: %s" % ("yes" if same else "no"))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
