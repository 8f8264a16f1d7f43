"""The real ksmd over unique pages: prints microseconds of its CPU time a page, the median of passes 2 to 5.
Needs root and Linux 6.8. Runs only where ksmd is not in use, and sets everything back, also when it is killed."""
import mmap
import os
import random
import statistics
import sys
import time

PAGE_BYTES, PAGES, PASSES = 4096, 100_000, 5
KSM = "/sys/kernel/mm/ksm"
SETTINGS = ["pages_to_scan", "sleep_millisecs", "smart_scan"]
MINUTE_MS = 60_000
DEADLINE_S = 120


def read(name):
    with open(f"{KSM}/{name}", encoding="ascii") as file:
        return file.read().strip()


def write(name, value):
    with open(f"{KSM}/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def find_ksmd():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
                if file.read() == "ksmd\n":
                    return pid
        except OSError:
            pass  # it has ended
    return sys.exit("there is no ksmd")


def cpu_ns(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def in_use():
    counters = ["run", "pages_shared", "pages_sharing", "pages_unshared", "pages_volatile"]
    return any(read(name) != "0" for name in counters) or "[none]" not in read("advisor_mode")


def set_back(before):
    write("run", 2)  # forgets the pages at once; 0 would keep what it knows of a process that has ended
    write("run", 0)
    for name, value in before.items():
        write(name, value)


def start_keeper(before):
    """A process of a session of its own that sets everything back when this one ends, however it does."""
    readable, writable = os.pipe()
    keeper = os.fork()
    if keeper:
        os.close(readable)
        return keeper, writable
    os.setsid()
    os.close(writable)
    os.read(readable, 1)
    set_back(before)
    os._exit(0)


def measure(pid):
    memory = mmap.mmap(-1, PAGES * PAGE_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    contents = random.Random(1)
    for page in range(PAGES):
        memory[page * PAGE_BYTES : page * PAGE_BYTES + 8] = contents.randbytes(8)
    memory.madvise(mmap.MADV_MERGEABLE)
    write("smart_scan", 0)
    write("pages_to_scan", 2 * PAGES)  # a batch is a pass
    write("sleep_millisecs", MINUTE_MS)
    costs = []
    end = time.monotonic() + DEADLINE_S
    for number in range(PASSES):
        passes, scanned, spent = int(read("full_scans")), int(read("pages_scanned")), cpu_ns(pid)
        if number == 0:
            write("run", 1)
        else:
            write("sleep_millisecs", MINUTE_MS + number)  # a change wakes it
        while int(read("full_scans")) == passes:
            if time.monotonic() > end:
                sys.exit("ksmd takes too long")
            time.sleep(0.01)
        time.sleep(0.05)  # until it sleeps
        costs.append((cpu_ns(pid) - spent) / 1000 / (int(read("pages_scanned")) - scanned))
    return statistics.median(costs[1:])


def main():
    if not os.path.exists(f"{KSM}/advisor_mode"):
        sys.exit("the kernel has no KSM, or is older than 6.8")
    if in_use():
        sys.exit("ksmd is in use")
    pid = find_ksmd()
    keeper, lifeline = start_keeper({name: read(name) for name in SETTINGS})
    try:
        print(f"{measure(pid):.3f}")
    finally:
        os.close(lifeline)
        os.waitpid(keeper, 0)


main()
