"""The allocator gives back what images took: a process of its own, since it is settled once."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HELD = """
import ctypes, sys, threading
from app import allocator
if sys.argv[1] == "settled":
    assert allocator.settle()

def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

kept = []
def work(number):
    for _ in range(40):
        images = [bytearray(b"x") * 2_000_000 for _ in range(4)]
        kept.append(b"small" * 200 + bytes([number]))
        del images

work(0)
before = resident_mib()
for _ in range(3):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(resident_mib() - before)
"""


def grown_mib(how: str) -> float:
    run = subprocess.run([sys.executable, "-c", HELD, how], capture_output=True, text=True, timeout=60, check=True)
    return float(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these habits")
def test_what_images_took_is_given_back() -> None:
    assert grown_mib("settled") < 8.0
