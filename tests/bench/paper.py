#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Reproduces published tables: trains what they are about with mho-train, as often as there are
# seeds, and writes what was published beside what came out, and pictures. What is published, what is
# tried and how long is in the tables below, and nowhere else.
#
#	paper.py --build DIRECTORY --mnist DIRECTORY --out DIRECTORY [--seeds N] [--epochs N]
#		 [--quick] [--rows PART]
#
# Runs are kept in OUT/runs, and are not made again: it can be interrupted at any time. Where several
# settings are tried for a row, all are listed, and the one with the best mean counts. Rows that are
# compared have as many settings, epochs and seeds.

import argparse
import concurrent.futures
import csv
import json
import math
import os
import pathlib
import subprocess
import sys

# 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom.
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
HELD_OUT = 10000 / 60000
HELD_OUT_QUICK = 0.9
MULTILAYER = ["--layers", "256,128", "--activation", "sigmoid", "--batch", "10"]
TAU = "emu:default?tech=softbounds-tau"

# name, what it is, device, settings that are tried, published value in %, where that is from
ROWS = [
    ("float32", "784-256-128-10, gradient descent, float32", None,
     [["--lr", "0.1"], ["--lr", "0.05"]], 98.17,
     "Wu et al. 2025, table 7: 98.17 +- 0.05"),
    ("protonic", "the same on protonic-ns", "emu:default?tech=protonic-ns",
     [["--lr", "0.1"], ["--lr", "0.05"]], None,
     "no publication; float32 less 0.4 is what it should reach"),
    ("rpu", "the same on rpu-gv2016", "emu:default?tech=rpu-gv2016",
     [["--lr", "0.1"], ["--lr", "0.05"]], 97.7,
     "Gokmen and Vlasov 2016: 2.3 % errors (batch 1)"),
    ("tau-sgd", "soft bounds at 0.6, gradient descent", TAU,
     [["--lr", "0.1", "--weight-scale", "1"], ["--lr", "0.05", "--weight-scale", "1"]], 15,
     "Wu et al. 2025, table 7: below 15, with a learned output scale"),
    ("tau-tiki-taka", "soft bounds at 0.6, Tiki-Taka", TAU,
     [["--lr", "0.1", "--weight-scale", "1", "--algorithm", "tiki-taka:fast-rate=0.05:columns=10"],
      ["--lr", "0.05", "--weight-scale", "1", "--algorithm", "tiki-taka:fast-rate=0.05:columns=10"]],
     97.39, "Wu et al. 2025, table 7: 97.39 +- 0.05 (80 epochs)"),
]

# Generations of the protonic resistor: the same training, of which only device time counts.
GENERATIONS = [("protonic-2020", "Nafion, 5 ms"), ("protonic-2021", "first PSG, 4 ms"),
               ("protonic-ns", "PSG, 5 ns")]
RESPONSES = ["protonic-ns", "rpu-gv2016", "softbounds-tau", "ecram-li", "ecram-mo", "reram-om"]


def say(text):
    """To whoever waits."""
    print("mho: " + text, file=sys.stderr, flush=True)


def mean_of(values):
    """Mean, and half of the 95 % confidence interval: NaN for a single value."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    t = STUDENT[min(len(values) - 2, len(STUDENT) - 1)]
    return mean, t * spread / math.sqrt(len(values))


def percent(mean, half):
    """97.39 +- 0.05"""
    return "%.2f" % mean + ("" if math.isnan(half) else " +- %.2f" % half)


class Lab:
    """Where runs are made and kept."""

    def __init__(self, args):
        self.args = args
        self.train = pathlib.Path(args.build) / "bin/mho-train"
        self.out = pathlib.Path(args.out)
        (self.out / "runs").mkdir(parents=True, exist_ok=True)
        self.held_out = HELD_OUT_QUICK if args.quick else HELD_OUT

    def key(self, name, setting, seed):
        """The name of a run's files says all that it depends on."""
        words = [name, "e%d" % self.args.epochs, "quick" if self.args.quick else "all",
                 "s%d" % seed] + [w.strip("-") for w in setting]
        return "_".join(words).replace(":", ".").replace("/", ".")

    def command(self, device, setting, seed, base):
        """A training on one thread, since there is one for each CPU."""
        line = [str(self.train), "--data", self.args.mnist, "--hold-out", "%.6f" % self.held_out,
                "--epochs", str(self.args.epochs), "--seed", str(seed), "--quiet",
                "--summary", str(base) + ".new", "--history", str(base) + ".csv"]
        if device:
            line += ["--no-reference", "--device", device + "&threads=1"]
        else:
            # The reference is the row: beside it, the cheapest device there is.
            line += ["--device", "emu:default?tech=ideal&threads=1"]
        return line + MULTILAYER + setting

    def run(self, name, device, setting, seed):
        """Makes a run, unless it is there; returns its summary."""
        base = self.out / "runs" / self.key(name, setting, seed)
        done = pathlib.Path(str(base) + ".json")
        if not done.exists():
            say("training %s %s, seed %d" % (name, " ".join(setting), seed))
            got = subprocess.run(self.command(device, setting, seed, base), capture_output=True,
                                 text=True, env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))
            if got.returncode:
                raise RuntimeError("%s: %s" % (name, got.stderr.strip()))
            os.replace(str(base) + ".new", done)
        return json.loads(done.read_text())

    def run_rows(self, rows):
        """All of them, as many at a time as there are CPUs; {(row, setting): [summary]}."""
        seeds = range(1, self.args.seeds + 1)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            futures = {(row[0], i): [pool.submit(self.run, row[0], row[2], setting, seed)
                                     for seed in seeds]
                       for row in rows for i, setting in enumerate(row[3])}
            return {key: [f.result() for f in of] for key, of in futures.items()}


def accuracies(row, summaries):
    """Of held-out samples after the last epoch, in %."""
    key = "accuracy" if row[2] else "reference_accuracy"
    return [100 * s[key] for s in summaries]


def accuracy_tables(lab, rows, runs):
    """The table of rows, and that of all settings."""
    lines = ["| | published, % | here, % | difference | from |", "|---|---|---|---|---|"]
    tried = ["| row | setting | held-out accuracy of each seed, % | mean, % |", "|---|---|---|---|"]
    best = {}
    for row in rows:
        for i, setting in enumerate(row[3]):
            of = accuracies(row, runs[row[0], i])
            mean, half = mean_of(of)
            if row[0] not in best or mean > best[row[0]][0]:
                best[row[0]] = (mean, half, i)
            tried.append("| %s | `%s` | %s | %s |" % (
                row[0], " ".join(setting), ", ".join("%.2f" % a for a in of),
                percent(mean, half)))
        mean, half, _ = best[row[0]]
        lines.append("| %s | %s | %s | %s | %s |" % (
            row[1], "" if row[4] is None else "%g" % row[4], percent(mean, half),
            "" if row[4] is None else "%+.2f" % (mean - row[4]), row[5]))
    del lab
    return lines, tried, best


def cost_table(rows, runs, best):
    """Device time, energy and wear of an epoch, of the best settings."""
    lines = ["| | device time an epoch | energy an epoch | pulses a cell an epoch | wear, most |",
             "|---|---|---|---|---|"]
    for row in rows:
        if not row[2]:
            continue
        of = [s["runs"][0] for s in runs[row[0], best[row[0]][2]]]
        epochs = of[0]["epochs"]

        def mean(key):
            return sum(r[key] for r in of) / len(of)
        lines.append("| %s | %.2f ms | %.2f uJ | %.0f | %.0f |" % (
            row[1], 1e3 * mean("device_seconds") / epochs, 1e6 * mean("device_joules") / epochs,
            mean("pulses") / mean("cells") / epochs, mean("wear_max")))
    return lines


def generations(lab):
    """The same training by cells whose pulses differ, and nothing else."""
    lines = ["| cell | device time of an epoch | of protonic-ns's |", "|---|---|---|"]
    times = {}
    for tech, what in GENERATIONS:
        args = argparse.Namespace(**dict(vars(lab.args), epochs=1))
        one = Lab(args)
        got = one.run("generation-" + tech, "emu:default?tech=" + tech, ["--lr", "0.1"], 1)
        times[tech] = got["device_seconds"]
        lines.append("| %s (%s) | %.4g s | {%s} |" % (tech, what, times[tech], tech))
    return [line.format(**{t: "%.3g" % (times[t] / times["protonic-ns"]) for t in times})
            if "{" in line else line for line in lines]


def plot(lab, name, title, x, y, curves):
    """Draws curves of (title, file, column of x, of y, factor), if there is gnuplot."""
    script = ["set datafile separator ','", "set key bottom right", "set grid",
              "set title '%s'" % title, "set xlabel '%s'" % x, "set ylabel '%s'" % y]
    parts = ["'%s' using %d:(%g*column(%d)) skip 1 with lines lw 2 title '%s'" %
             (f, cx, factor, cy, t) for t, f, cx, cy, factor in curves]
    script.append("plot " + ", ".join(parts))
    for kind in ("svg", "png"):
        picture = lab.out / ("%s.%s" % (name, kind))
        head = ["set terminal %s size 900,500" % ("svg background '#ffffff'" if kind == "svg" else
                                                  "pngcairo"), "set output '%s'" % picture]
        subprocess.run(["gnuplot"], input="\n".join(head + script) + "\n", text=True, check=True)


def learning_curves(lab, rows, best):
    """Held-out accuracy by epoch, of the first seed of the best setting."""
    curves = []
    for row in rows:
        base = lab.out / "runs" / lab.key(row[0], row[3][best[row[0]][2]], 1)
        with open(str(base) + ".csv", encoding="ascii") as file:
            head = next(csv.reader(file))
        column = head.index("test_accuracy" if row[2] else "reference_test_accuracy")
        curves.append((row[1], str(base) + ".csv", 1, column + 1, 100))
    plot(lab, "learning", "Held-out digits, seed 1", "epoch", "right, %", curves)


def response_curves(lab):
    """One cell of each technology, 1000 pulses up and 1000 down."""
    program = pathlib.Path(lab.args.build) / "examples/response"
    curves = []
    for tech in RESPONSES:
        path = lab.out / ("response-%s.csv" % tech)
        with open(path, "w", encoding="ascii") as file:
            subprocess.run([str(program), "emu:small?tech=%s&seed=1" % tech], stdout=file,
                           check=True)
        curves.append((tech, path, 1, 2, 1))
    plot(lab, "response", "A cell, 1000 pulses up and 1000 down", "pulse", "weight", curves)


def main():
    """Everything; OUT/results.md is what it is for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--mnist", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", default="")
    lab = Lab(parser.parse_args())
    rows = [row for row in ROWS if lab.args.rows in row[0]]
    if not rows or lab.args.seeds < 1 or lab.args.epochs < 1:
        sys.exit("mho: no rows, seeds or epochs: have a look at the tables in paper.py")
    runs = lab.run_rows(rows)
    lines, tried, best = accuracy_tables(lab, rows, runs)
    text = ["MNIST, %s, %d epochs, %d seeds; mean and 95 %% confidence interval." % (
        "6,000 images to train, 54,000 held out (a quick look)" if lab.args.quick else
        "50,000 images to train, 10,000 held out", lab.args.epochs, lab.args.seeds), ""]
    text += lines + ["", "All settings that were tried:", ""] + tried
    text += ["", "Device time and energy:", ""] + cost_table(rows, runs, best)
    if not lab.args.rows:
        text += ["", "Generations:", ""] + generations(lab)
        response_curves(lab)
    learning_curves(lab, rows, best)
    (lab.out / "results.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))
    say("results and pictures: %s" % lab.out)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit("mho: %s" % error)
