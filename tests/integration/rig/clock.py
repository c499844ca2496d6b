"""A clock that tests move, so that a life time ends when they say so and not before.

install() gives it to all programs that this process starts from then on; skip() moves it. Life
times that tests wait for are LIFE seconds: more than any machine needs for what comes before their
end, and less than the server's own times, which a skip would be over as well.
"""

import atexit
import os
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from .processes import BUILD

LIFE = 25
_SOURCE = Path(__file__).with_suffix(".c")
_file = None
_ahead = 0


def _library():
    library = BUILD / "clock.so"
    if not library.exists() or library.stat().st_mtime < _SOURCE.stat().st_mtime:
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            made = Path(folder) / "clock.so"
            subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                            "-fPIC", "-shared", "-o", made, _SOURCE], check=True)
            made.replace(library)
    return library


def other(file, ahead):
    """The environment of a program with a clock of its own, ahead by so many seconds."""
    file.write_bytes(struct.pack("=3q", ahead, 0, 0))
    # The clock is not built with a sanitizer, and so comes in front of its library.
    return {"SKS_TEST_CLOCK": str(file), "LD_PRELOAD": str(_library()),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def _write(real=0, boot=0):
    with open(_file, "r+b", buffering=0) as file:
        file.write(struct.pack("=3q", _ahead, real, boot))


def install():
    global _file
    if _file is not None:
        return
    number, _file = tempfile.mkstemp(prefix="sks-clock-")
    os.close(number)
    atexit.register(os.unlink, _file)
    os.environ.update(other(Path(_file), 0))


def skip(seconds=LIFE + 2):
    """By default all that has LIFE seconds is over then; times are counted in whole seconds."""
    global _ahead
    assert _file is not None, "install() comes before the programs are started"
    _ahead += seconds
    _write()


@contextmanager
def stopped():
    """No time goes by for the programs."""
    _write(time.clock_gettime_ns(time.CLOCK_REALTIME), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    try:
        yield
    finally:
        _write()


def now():
    """What the programs take for the time, while it goes on."""
    return time.time() + _ahead
