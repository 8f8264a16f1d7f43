"""Two processes with known duplicates, all of whose memory ksmd merges until it rests; then a command that looks at them.

Arguments: the command; --pid PID is added for each process. Root, Linux 6.4 or later. Standard library only.
Stdout: JSON, {"kernel": {counter: value}, "alike": pages, "said": what the command printed} or {"skipped": why}.
"""

import ctypes
import json
import mmap
import subprocess
import sys
import time

import record
from record import PAGE_BYTES, Skipped, get, put

PR_SET_MEMORY_MERGE = 67
COUNTERS = ["pages_shared", "pages_sharing", "pages_unshared", "pages_volatile", "ksm_zero_pages"]
REST_PASSES = 4
REST_TIMEOUT_S = 60
# By process: pages of contents that both have, that each has twice, that are its own, and zero pages.
SAME, TWICE, OWN, ZEROS = 400, 150, 300, 60


def be_process(number):
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0) != 0:
        print("no", flush=True)
        return
    twice = [number * 100_000 + i for i in range(TWICE)]
    own = [number * 100_000 + 50_000 + i for i in range(OWN)]
    contents = list(range(1, SAME + 1)) + twice + twice + own + [0] * ZEROS
    memory = mmap.mmap(-1, len(contents) * PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for page, content in enumerate(contents):
        memory[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = content.to_bytes(8, "little") * (PAGE_BYTES // 8)
    print("yes", flush=True)
    sys.stdin.read()


def start(number):
    command = [sys.executable, __file__, "process", str(number)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    if process.stdout.readline() != "yes\n":
        raise Skipped("this kernel cannot merge all memory of a process (Linux 6.4)")
    return process


def rest():
    """Until some passes have changed nothing. Looks between passes: in one, a page is in no tree while ksmd is at it."""
    end = time.monotonic() + REST_TIMEOUT_S
    before, since = None, 0
    while time.monotonic() < end:
        scans = int(get("full_scans"))
        put("run", 1)
        while int(get("full_scans")) == scans and time.monotonic() < end:
            time.sleep(0.002)
        # Waits for the end of a batch.
        put("run", 0)
        now = [get(name) for name in COUNTERS if record.has(name)]
        if now != before:
            before, since = now, int(get("full_scans"))
        elif int(get("full_scans")) - since >= REST_PASSES and get("pages_volatile") == "0":
            return
    raise Skipped(f"ksmd does not come to rest in {REST_TIMEOUT_S} s: {before}")


def look(command):
    put("run", 2)
    put("run", 0)
    settings = {"advisor_mode": "none", "max_page_sharing": 100_000, "merge_across_nodes": 1, "use_zero_pages": 0}
    settings |= {"smart_scan": 0, "pages_to_scan": 10_000, "sleep_millisecs": 5}
    for name, value in settings.items():
        if record.has(name):
            put(name, value)
    processes = []
    try:
        processes += [start(number) for number in (1, 2)]
        rest()
        pids = [process.pid for process in processes]
        said = subprocess.run(
            [*command, *(f"--pid={pid}" for pid in pids)], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        record.refuse_other_users(pids)
        kernel = {name: int(get(name)) for name in COUNTERS if record.has(name)}
        return {"kernel": kernel, "alike": SAME + 2 * TWICE + 2 * ZEROS - 1, "said": json.loads(said)}
    finally:
        for process in processes:
            process.stdin.close()
            process.wait()


def main(command):
    try:
        record.take()
        finish = record.guard()
        try:
            result = look(command)
        finally:
            finish()
    except Skipped as reason:
        result = {"skipped": str(reason)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    be_process(int(sys.argv[2])) if sys.argv[1] == "process" else main(sys.argv[1:])
