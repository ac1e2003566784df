#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# What a guest may order of its host: the far end of the guest's ttyS3. Runs mho-emud, so
# that it can be killed and started again, and talks to QEMU, so that the card can be pulled and
# plugged. What the orders do is in docs/testing.md. Lines in, lines of JSON out, one by one.
#
#	relay.py RUNDIR DEVICE COMMAND...
#
# DEVICE is the card as QEMU's device_add has it, in JSON; COMMAND starts mho-emud. In RUNDIR:
# "control" and "dev", mho-emud's sockets; "relay" and "relay-qmp", to which QEMU connects;
# "emud.log"; "expected", what a test has said that it will find there. SIGTERM ends mho-emud and then this; "counters.json" then holds what it counted, and
# "counters.N.json" what those counted that ended before it.

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

# Seconds. A guest that shares its host with others is slow.
ANSWER = 20
UNPLUG = 60


class Failed(Exception):
    """An order that could not be carried out; the text says why."""


def listen(path):
    """Returns a listening socket."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)
    return server


class Card:
    """mho-emud: the process, and its control socket."""

    def __init__(self, rundir, command):
        self.rundir = rundir
        self.command = command
        self.log = open(rundir + "/emud.log", "a", encoding="utf-8")
        self.process = None
        self.lives = 0
        # Whether its end is wanted.
        self.ending = False
        # A timer may let it go on while an order is under way.
        self.lock = threading.Lock()

    def runs(self):
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def start(self):
        """Starts it and waits until it can be connected to."""
        if self.runs():
            raise Failed("mho-emud runs already")
        self.ending = False
        with self.lock:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + ANSWER
        while time.monotonic() < end and self.runs():
            try:
                self.control("counters")
                return
            except Failed:
                time.sleep(0.02)
        raise Failed("mho-emud does not start")

    def control(self, line):
        """Hands a line to mho-emud. Returns its answer, a line of JSON."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(ANSWER)
            try:
                sock.connect(self.rundir + "/control")
                sock.sendall(line.encode() + b"\n")
                answer = b""
                while not answer.endswith(b"\n"):
                    part = sock.recv(65536)
                    if not part:
                        raise Failed("mho-emud has hung up")
                    answer += part
            except OSError as error:
                raise Failed("mho-emud: %s" % error) from error
        return answer.decode().strip()

    def end(self, how):
        """Ends the process by a signal, after its counters were noted."""
        if not self.runs():
            raise Failed("mho-emud does not run")
        self.note("counters.%d.json" % self.lives)
        self.lives += 1
        self.ending = True
        self.process.send_signal(how)
        try:
            self.process.wait(ANSWER)
        except subprocess.TimeoutExpired as error:
            raise Failed("mho-emud does not end") from error

    def note(self, name):
        """Writes down what it has counted."""
        with open(self.rundir + "/" + name, "w", encoding="ascii") as file:
            try:
                file.write(self.control("counters") + "\n")
            except Failed as error:
                self.say(error)

    def say(self, text):
        """Puts a word of this program's into its log."""
        print("relay: %s" % text, file=self.log, flush=True)

    def stop(self, seconds):
        """Stops the process, for so long."""
        if not self.runs():
            raise Failed("mho-emud does not run")
        self.process.send_signal(signal.SIGSTOP)
        threading.Timer(seconds, self.proceed).start()

    def proceed(self):
        """The end of stop()."""
        with self.lock:
            if self.runs():
                self.process.send_signal(signal.SIGCONT)


class Qemu:
    """QEMU's machine protocol; QEMU connects to us."""

    def __init__(self, path):
        self.server = listen(path)
        self.changed = threading.Condition()
        self.connection = None
        self.answers = []
        # Events that nobody has waited for yet.
        self.events = []
        self.wake = False
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Takes what QEMU says, until it is gone."""
        connection, _ = self.server.accept()
        with connection.makefile("r", encoding="utf-8") as lines:
            lines.readline()
            self.connection = connection
            self.send({"execute": "qmp_capabilities"})
            lines.readline()
            for line in lines:
                message = json.loads(line)
                with self.changed:
                    if "event" in message:
                        self.take_event(message)
                    else:
                        self.answers.append(message)
                    self.changed.notify_all()

    def take_event(self, message):
        """One event."""
        if message["event"] == "SUSPEND" and self.wake:
            self.wake = False
            # A guest that has just gone to sleep is not yet ready to be woken.
            threading.Timer(0.5, self.send, [{"execute": "system_wakeup", "id": "wake"}]).start()
        self.events.append(message)

    def send(self, message):
        """One command."""
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def wait(self, seconds, found):
        """Waits until found() returns something true, and returns that."""
        with self.changed:
            result = self.changed.wait_for(found, seconds)
        if not result:
            raise Failed("QEMU does not say what it should")
        return result

    def take_answer(self):
        """The answer to a command; that to a wake-up is nobody's."""
        while self.answers:
            answer = self.answers.pop(0)
            if answer.get("id") != "wake":
                return answer
        return None

    def execute(self, command, arguments=None):
        """Executes a command and returns what it returns."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        self.send(message)
        answer = self.wait(ANSWER, self.take_answer)
        if "error" in answer:
            raise Failed("QEMU: " + answer["error"]["desc"])
        return answer["return"]

    def take_deleted(self, device):
        """Whether the device is gone."""
        for event in self.events:
            if event["event"] == "DEVICE_DELETED" and event["data"].get("device") == device:
                self.events.remove(event)
                return True
        return False


class Relay:
    """The orders."""

    def __init__(self, rundir, device, command):
        self.card = Card(rundir, command)
        self.qemu = Qemu(rundir + "/relay-qmp")
        self.device = device
        self.server = listen(rundir + "/relay")
        self.card.start()

    def unplug(self):
        """Asks the guest to let the card go, and waits until it has."""
        name = self.device["id"]
        self.qemu.execute("device_del", {"id": name})
        self.qemu.wait(UNPLUG, lambda: self.qemu.take_deleted(name))

    def order_card(self, words):
        """card ..."""
        if words == ["unplug"]:
            self.unplug()
        elif words == ["plug"]:
            self.qemu.execute("device_add", self.device)
        elif words == ["kill"]:
            self.card.end(signal.SIGKILL)
        elif words == ["off"]:
            self.card.end(signal.SIGTERM)
        elif words == ["start"]:
            self.card.start()
        elif len(words) == 2 and words[0] == "stop" and words[1].isdigit():
            self.card.stop(int(words[1]) / 1000)
        else:
            raise Failed("usage: card unplug | plug | kill | off | start | stop MS")

    def order_qmp(self, text):
        """qmp COMMAND [ARGUMENTS]"""
        command, _, arguments = text.partition(" ")
        try:
            return self.qemu.execute(command, json.loads(arguments or "null"))
        except ValueError as error:
            raise Failed("arguments are a JSON object: %s" % error) from error

    def order_wakeup(self):
        """wakeup"""
        self.qemu.wake = True

    def order_expect(self, text):
        """expect TEXT"""
        if not text:
            raise Failed("usage: expect TEXT")
        with open(self.card.rundir + "/expected", "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def order(self, line):
        """Carries out one line. Returns the answer."""
        word, _, rest = line.partition(" ")
        answer = {"ok": True}
        try:
            if word == "card":
                self.order_card(rest.split())
            elif word == "qmp":
                answer["return"] = self.order_qmp(rest)
            elif word == "wakeup":
                self.order_wakeup()
            elif word == "expect":
                self.order_expect(rest)
            else:
                if line.split() == ["fault", "die"]:
                    self.card.ending = True
                return self.card.control(line)
        except Failed as error:
            answer = {"ok": False, "error": str(error)}
        return json.dumps(answer)

    def serve(self):
        """Serves the guest until it is gone."""
        connection, _ = self.server.accept()
        with connection.makefile("rw", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.strip():
                    lines.write(self.order(line.strip()) + "\n")
                    lines.flush()

    def finish(self):
        """Notes the last counters and ends mho-emud."""
        if self.card.runs():
            self.card.note("counters.json")
            self.card.process.terminate()
            self.card.process.wait(ANSWER)
        elif not self.card.ending:
            self.card.say("mho-emud has ended before the guest")


def main():
    """Runs until SIGTERM."""
    rundir, device, command = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    try:
        relay = Relay(rundir, device, command)
    except Failed as error:
        sys.exit("relay: %s" % error)
    threading.Thread(target=relay.serve, daemon=True).start()
    # Those who wait for it know by this that all sockets are there.
    os.close(os.open(rundir + "/relay-ready", os.O_CREAT | os.O_WRONLY, 0o644))
    ended.wait()
    relay.finish()


main()
