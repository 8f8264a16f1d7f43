"""Counts the private anonymous pages of stopped processes with whole pages as keys of a dictionary. Root; standard library only.

Arguments: process numbers. Stdout: JSON, for each {"pages", "zero", "contents", "shared": contents that another one has too}.
"""

import json
import struct
import sys

PAGE = 4096
KERNEL = ("[vdso]", "[vvar", "[vsyscall]")
# Present, and in a frame that no other process has.
WANTED, UNWANTED = 1 << 63 | 1 << 56, 1 << 62 | 1 << 61


def pages_of(pid):
    with open(f"/proc/{pid}/maps") as file:
        maps = [line.split(None, 5) for line in file]
    with open(f"/proc/{pid}/pagemap", "rb") as pagemap, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for fields in maps:
            if len(fields) > 5 and fields[5].startswith(KERNEL):
                continue
            start, end = (int(part, 16) // PAGE for part in fields[0].split("-"))
            pagemap.seek(8 * start)
            for i, (entry,) in enumerate(struct.iter_unpack("<Q", pagemap.read(8 * (end - start)))):
                if entry & WANTED == WANTED and not entry & UNWANTED:
                    memory.seek((start + i) * PAGE)
                    yield memory.read(PAGE)


counted = []
for pid in sys.argv[1:]:
    counts = {}
    for page in pages_of(pid):
        counts[page] = counts.get(page, 0) + 1
    counted.append(counts)
print(
    json.dumps(
        [
            {
                "pages": sum(counts.values()),
                "zero": counts.get(bytes(PAGE), 0),
                "contents": len(counts),
                "shared": sum(any(page in other for other in counted if other is not counts) for page in counts),
            }
            for counts in counted
        ]
    )
)
