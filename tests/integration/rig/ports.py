"""Ports that a program can listen on again after a restart.

A port from the range that the kernel gives to clients and to listeners on port 0 may be another
process's by then. These lie below that range, and each process of tests has a block to itself: it
holds an abstract Unix socket with the block's number, which ends with the process.
"""

import os
import socket

FIRST, BLOCK, BLOCKS = 12000, 200, 100

_held = {}  # of this process: its pid, the socket that says so, the block, the ports given


def _hold_block():
    start = os.getpid()
    for step in range(BLOCKS):
        block = (start + step) % BLOCKS
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind("\0sks-test-ports-%d" % block)
        except OSError:
            held.close()
            continue
        _held.update(pid=os.getpid(), socket=held, block=block, given=0)
        return
    raise AssertionError("all %d blocks of test ports are held" % BLOCKS)


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def steady(listen):
    """The address to listen on; port 0 becomes one that is there again after a restart."""
    return pick() if listen == "127.0.0.1:0" else listen


def pick():
    if _held.get("pid") != os.getpid():
        _hold_block()
    for _ in range(BLOCK):
        port = FIRST + _held["block"] * BLOCK + _held["given"] % BLOCK
        _held["given"] += 1
        if _is_free(port):
            return "127.0.0.1:%d" % port
    raise AssertionError("no free port from %d on" % (FIRST + _held["block"] * BLOCK))
