"""Records this machine's ksmd batch by batch. Standard library only; root.

Stdin: JSON, a list of runs:
  members   name: its pages' first 16 bytes in hex, repeated through the page
  start     the members that are there at the start, in the order in which they register
  settings  files of /sys/kernel/mm/ksm and what is written there; the kernel may lack some
  steps     "batch", or a list of events: {op, member} and
            write: pages, contents; drop: start, count; enter; exit; unmerge
Stdout: JSON, {"runs": [[{counter: value} after each step]]} or {"skipped": why}.
"""

import fcntl
import json
import mmap
import os
import signal
import subprocess
import sys
import time

KSM = "/sys/kernel/mm/ksm"
PAGE_BYTES = 4096
COUNTERS = [
    "pages_scanned",
    "full_scans",
    "pages_shared",
    "pages_sharing",
    "pages_unshared",
    "pages_volatile",
    "pages_skipped",
    "ksm_zero_pages",
    "stable_node_chains",
    "stable_node_dups",
    "general_profit",
]
# These count since boot.
SINCE_BOOT = ["pages_scanned", "pages_skipped"]
# In the order in which they are restored: run is stopped before and set last; to leave the advisor changes pages_to_scan.
CHANGED = [
    "max_page_sharing",
    "merge_across_nodes",
    "use_zero_pages",
    "smart_scan",
    "stable_node_chains_prune_millisecs",
    "pages_to_scan",
    "advisor_mode",
    "sleep_millisecs",
    "run",
]
# Each sleep between batches outlasts the recording. Another value wakes ksmd: two by turns.
SLEEPS = [1_000_000_001, 1_000_000_002]
STEP_TIMEOUT_S = 20


class Skipped(Exception):
    pass


def has(name):
    return os.path.exists(f"{KSM}/{name}")


def get(name):
    with open(f"{KSM}/{name}") as file:
        text = file.read().strip()
    # advisor_mode is a list with the chosen one in brackets.
    return text[text.index("[") + 1 : text.index("]")] if "[" in text else text


def put(name, value):
    with open(f"{KSM}/{name}", "w") as file:
        file.write(str(value))


def processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def find_ksmd():
    for pid in processes():
        try:
            with open(f"/proc/{pid}/stat") as file:
                # Kernel threads are children of process 2.
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
            if name == "ksmd" and rest.split()[1] == "2":
                return pid
        except (FileNotFoundError, ProcessLookupError):
            pass
    raise Skipped("ksmd is not among the processes that can be seen")


def has_mergeable_memory(pid):
    if os.path.exists(f"/proc/{pid}/ksm_stat"):
        with open(f"/proc/{pid}/ksm_stat") as file:
            for line in file:
                if line.startswith("ksm_mergeable:"):
                    return "yes" in line
    # Older kernels only have it among the flags of each area.
    with open(f"/proc/{pid}/smaps") as file:
        return any(line.startswith("VmFlags:") and " mg" in line for line in file)


def refuse_other_users(own):
    """ksmd would scan other processes' mergeable memory too."""
    for pid in processes():
        try:
            if int(pid) not in own and has_mergeable_memory(pid):
                raise Skipped(f"process {pid} has mergeable memory")
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            raise Skipped("it cannot be seen whether other processes use ksmd")


def take():
    """Makes sure that nobody uses ksmd; the lock keeps other recorders away until this process and its guard have ended."""
    if mmap.PAGESIZE != PAGE_BYTES:
        raise Skipped(f"pages have {mmap.PAGESIZE} bytes here")
    if not os.access(f"{KSM}/run", os.W_OK):
        raise Skipped(f"{KSM} cannot be written")
    lock = os.open(KSM, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Skipped("another recording is under way")
    if get("run") == "1" or get("pages_shared") != "0":
        raise Skipped("ksmd is in use")
    refuse_other_users([])


def guard():
    """A process that restores all settings as soon as this one ends, even if it is killed. Gives what ends it."""
    saved = {name: get(name) for name in CHANGED if has(name)}
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        os.close(writer)
        os.read(reader, 1)
        os._exit(restore(saved))
    os.close(reader)

    def finish():
        os.close(writer)
        if os.waitpid(pid, 0)[1] != 0:
            sys.exit("the settings of ksmd could not be restored")

    return finish


def restore(saved):
    code = 0
    # 2 takes all pages out of sharing, without which some settings cannot be changed.
    for name, value in [("run", 2), *saved.items()]:
        try:
            put(name, value)
        except OSError as error:
            code = 1
            print(f"{KSM}/{name}: {value}: {error}", file=sys.stderr)
    return code


class Member:
    """A process of its own whose memory is scanned."""

    def __init__(self, contents):
        command = [sys.executable, __file__, "member"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.do({"op": "write", "pages": list(range(len(contents))), "contents": contents, "all": len(contents)})

    def do(self, event):
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            raise RuntimeError("a member ended")

    def exit(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def be_member():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    memory = None
    for line in sys.stdin:
        event = json.loads(line)
        op = event["op"]
        if memory is None:
            memory = mmap.mmap(-1, event["all"] * PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        if op == "write":
            for page, content in zip(event["pages"], event["contents"]):
                data = bytes.fromhex(content)
                memory[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = data * (PAGE_BYTES // len(data))
        elif op == "drop":
            memory.madvise(mmap.MADV_DONTNEED, event["start"] * PAGE_BYTES, event["count"] * PAGE_BYTES)
        elif op == "enter":
            memory.madvise(mmap.MADV_MERGEABLE)
        elif op == "unmerge":
            memory.madvise(mmap.MADV_UNMERGEABLE)
        print("done", flush=True)


class Drain:
    """Empties the processors' lists of pages just used: these hold pages that ksmd then cannot merge, or that are not yet free.
    The kernel does so where it is asked to forget pages of a file that it cannot let go because they are mapped."""

    def __init__(self):
        self.file = os.open(__file__, os.O_RDONLY)
        self.mapped = mmap.mmap(self.file, 0, prot=mmap.PROT_READ)

    def __call__(self):
        bytes(self.mapped[::PAGE_BYTES])
        os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_DONTNEED)


class Recorder:
    def __init__(self, ksmd):
        self.stat = f"/proc/{ksmd}/stat"
        self.counters = [name for name in COUNTERS if has(name)]
        self.drain = Drain()
        self.sleeps = 0
        self.members = {}
        self.base = {}

    def record(self, run):
        put("run", 2)
        put("run", 0)
        self.wake()
        if has("advisor_mode"):
            put("advisor_mode", "none")
        settings = {"merge_across_nodes": 1, **run["settings"]}
        settings = {name: value for name, value in settings.items() if has(name)}
        for name, value in settings.items():
            put(name, value)
        for name in run["start"]:
            self.members[name] = Member(run["members"][name])
        for name in run["start"]:
            self.members[name].do({"op": "enter"})
        self.drain()
        self.base = {name: int(get(name)) for name in SINCE_BOOT if has(name)}
        self.last = self.sample()
        self.started = False
        samples = []
        for step in run["steps"]:
            if self.sample() != self.last:
                raise RuntimeError("ksmd did not rest")
            if step == "batch":
                self.batch(settings["pages_to_scan"])
            else:
                self.happen(step, run)
            samples.append(self.last)
        if any(get(name) != str(value) for name, value in settings.items()):
            raise Skipped("the settings of ksmd were changed meanwhile")
        refuse_other_users([member.process.pid for member in self.members.values()])
        for member in self.members.values():
            member.exit()
        self.members = {}
        return samples

    def happen(self, events, run):
        for event in events:
            name = event["member"]
            if event["op"] == "exit":
                self.members.pop(name).exit()
                continue
            if event["op"] == "enter":
                self.members[name] = Member(run["members"][name])
            self.members[name].do(event)
        self.drain()
        self.last = self.sample()

    def batch(self, pages_to_scan):
        before = self.last
        if self.started:
            self.wake()
        else:
            self.started = True
            put("run", 1)
            self.wait()
        self.last = self.sample()
        scanned, passes = (self.last.get(name, 0) - before.get(name, 0) for name in ("pages_scanned", "full_scans"))
        # 6.8 counts one too many. A batch that is cut short ends its pass.
        if passes > 1 or scanned > pages_to_scan + 1 or (has("pages_scanned") and scanned < pages_to_scan and passes == 0):
            raise RuntimeError(f"not one batch: {scanned} pages, {passes} passes")

    def wake(self):
        """Ends ksmd's sleep between two batches; waits until it sleeps again."""
        self.sleeps += 1
        put("sleep_millisecs", SLEEPS[self.sleeps % 2])
        self.wait()

    def wait(self):
        """Only in its two pauses does ksmd sleep as S; and who wakes it leaves it runnable."""
        end = time.monotonic() + STEP_TIMEOUT_S
        while True:
            with open(self.stat) as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "S":
                    return
            if time.monotonic() > end:
                raise RuntimeError("ksmd does not come to rest")
            time.sleep(0.0002)

    def sample(self):
        values = {name: int(get(name)) for name in self.counters}
        return {name: value - self.base.get(name, 0) for name, value in values.items()}


def main():
    runs = json.load(sys.stdin)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("ended by a signal"))
    try:
        take()
        ksmd = find_ksmd()
        finish = guard()
        try:
            recorder = Recorder(ksmd)
            result = {"runs": [recorder.record(run) for run in runs]}
        finally:
            finish()
    except Skipped as reason:
        result = {"skipped": str(reason)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    be_member() if sys.argv[1:] == ["member"] else main()
