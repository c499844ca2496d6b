#!/usr/bin/python3
"""Runs the tests that were built: unit programs, plain programs, fuzz targets over their corpora,
a short crash sweep, integration.

As many programs as there are processors run side by side; those that would notice come after them,
one by one. Results are printed in the same order each time. Exit code 1 if one failed or none ran.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
BUILD = os.environ.get("SKS_BUILD") or "build"
PYTHON = os.environ.get("PYTHON") or "/usr/bin/python3"
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
    "TSAN_OPTIONS": "halt_on_error=1 suppressions=tests/tsan.supp",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
# Plain programs with one thread; all others want the machine for themselves.
ONE_THREAD = re.compile(r"faults_|pin_model$")
# Started first, as they take longest.
SLOW_FIRST = ("plain/faults_memory", "plain/faults_io", "issuer/test_evidence_check",
              "plain/pin_model", "token/test_authorization", "issuer/test_ca")
SAID = re.compile(r"Tested: (\d+)|^OK: (.*)", re.MULTILINE)
LOG_LINES = 60      # of a program that failed
STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Program:
    title: str
    command: list
    alone: bool = False
    passed: bool = False
    log: str = ""
    seconds: float = 0

    async def run(self):
        began = time.monotonic()
        with tempfile.TemporaryFile() as log:
            try:
                self.passed = await run_group(self.command, log) == 0
            except OSError as error:
                log.write(str(error).encode())
            log.seek(0)
            self.log = log.read().decode(errors="replace")
        self.seconds = time.monotonic() - began

    def result(self):
        if self.passed:
            said = [tests + " tests" if tests else text for tests, text in SAID.findall(self.log)]
            return "ok      %-30s %s" % (self.title, said[-1] if said else "")
        return "\n".join(["FAILED  " + self.title, *self.log.splitlines()[-LOG_LINES:]])


async def run_group(command, log):
    """Runs a program in a group of its own, of which nothing is left afterwards."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        return await process.wait()
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await process.wait()


# ---- the parts ----

def unit():
    for source in sorted(TESTS.glob("unit/*/test_*.c")):
        name = "%s/%s" % (source.parent.name, source.stem)
        yield Program(name, [BUILD + "/unit/" + name, "--color=never"])


def plain():
    """Under SAN=1 these are the leak checks; the ThreadSanitizer's build lies in build/tsan."""
    for source in sorted(TESTS.glob("plain/*.c")):
        name = "plain/" + source.stem
        one_thread = ONE_THREAD.match(source.stem) is not None
        if not one_thread or os.environ.get("SKS_SAN") != "thread":
            yield Program(name, [BUILD + "/" + name], alone=not one_thread)
        threads = Path("build/tsan") / name
        if BUILD == "build" and os.access(threads, os.X_OK):
            yield Program(name + " (threads)", [str(threads)], alone=True)


def corpus():
    for source in sorted(TESTS.glob("fuzz/fuzz_*.c")):
        name = source.stem.removeprefix("fuzz_")
        yield Program("corpus/" + name,
                      ["%s/fuzz/fuzz_%s" % (BUILD, name), "tests/fuzz/corpus/" + name])


def crash():
    """A sample of `make crash-sweep`, and of `make crash-crowd`."""
    yield Program("crash/sweep", [PYTHON, "-B", "tests/crash/sweep.py", "--short"], alone=True)
    yield Program("crash/crowd", [PYTHON, "-B", "tests/crash/crowd.py", "--kills", "8"], alone=True)


PARTS = {"unit": unit, "plain": plain, "corpus": corpus, "crash": crash}
INTEGRATION = "integration"


# ---- all of them ----

def order(program):
    return SLOW_FIRST.index(program.title) if program.title in SLOW_FIRST else len(SLOW_FIRST)


async def print_results(programs, tasks):
    for program in programs:
        await tasks[program.title]
        print(program.result(), flush=True)


async def run_side_by_side(programs, jobs):
    """Prints each result as soon as those before it are there."""
    free = asyncio.Semaphore(jobs)

    async def run_beside(program):
        async with free:
            await program.run()

    async def run_alone(others):
        await asyncio.gather(*others)
        for program in programs:
            if program.alone:
                await program.run()
                ended[program.title].set_result(None)

    # Without a second processor nothing is gained by another order.
    beside = sorted((program for program in programs if not program.alone),
                    key=order if jobs > 1 else lambda program: 0)
    tasks = {program.title: asyncio.ensure_future(run_beside(program)) for program in beside}
    ended = {program.title: asyncio.get_running_loop().create_future()
             for program in programs if program.alone}
    await asyncio.gather(run_alone(list(tasks.values())),
                         print_results(programs, {**tasks, **ended}))


async def run_programs(programs, jobs):
    task = asyncio.current_task()
    stopped = []

    def stop(number):
        stopped.append(number)
        task.cancel()

    for number in STOPPED_BY:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        await run_side_by_side(programs, jobs)
    except asyncio.CancelledError:
        # All are told to end, but gather() waits for the first of them only.
        await asyncio.gather(*asyncio.all_tasks() - {task}, return_exceptions=True)
        return stopped[0]
    return None


def run_integration():
    """They print for themselves, and have a runner of their own. What stops this one comes to all of
    them as Ctrl-C would. Returns whether they passed, and the number of the signal or None."""
    stopped = []

    def stop(number, _):
        stopped.append(number)
        os.killpg(process.pid, signal.SIGINT)

    process = subprocess.Popen([PYTHON, "tests/integration/run.py"], start_new_session=True)
    for number in STOPPED_BY:
        signal.signal(number, stop)
    return process.wait() == 0, stopped[0] if stopped else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", metavar="PART", nargs="*",
                        help="%s or %s (default: all)" % (", ".join(PARTS), INTEGRATION))
    parser.add_argument("-v", action="store_true", help="tell how long the slowest took")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)),
                        help="programs at a time (default: one a processor)")
    options = parser.parse_args()
    parts = options.parts or [*PARTS, INTEGRATION]
    for part in parts:
        if part not in (*PARTS, INTEGRATION):
            parser.error("there is no part " + part)
    os.chdir(TESTS.parent)
    for name, value in SANITIZERS.items():
        os.environ[name] = os.environ.get(name) or value
    programs = [program for part in parts if part in PARTS for program in PARTS[part]()]
    signal_number = asyncio.run(run_programs(programs, max(1, options.jobs)))
    if signal_number is not None:
        return 128 + signal_number
    passed = [program.passed for program in programs]
    if INTEGRATION in parts:
        all_passed, signal_number = run_integration()
        if signal_number is not None:
            return 128 + signal_number
        passed.append(all_passed)
    if options.v:
        slowest = sorted(programs, key=lambda program: -program.seconds)[:20]
        print("slowest: " + ", ".join("%s %.1f s" % (program.title, program.seconds)
                                      for program in slowest))
    print("%d passed, %d failed" % (sum(passed), len(passed) - sum(passed)))
    return 0 if passed and all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
