"""The plain Python yardstick: blake2b of every 4 KiB page of the dumps named, counted in dicts."""
import hashlib
import sys

PAGE_BYTES = 4096
ZERO = hashlib.blake2b(bytes(PAGE_BYTES), digest_size=16).digest()
union, pages, zero_pages, per_member = {}, 0, 0, []
for path in sys.argv[1:]:
    copies = {}
    with open(path, "rb", buffering=1 << 20) as dump:
        while len(page := dump.read(PAGE_BYTES)) == PAGE_BYTES:
            digest = hashlib.blake2b(page, digest_size=16).digest()
            copies[digest] = copies.get(digest, 0) + 1
    pages += sum(copies.values())
    zero_pages += copies.get(ZERO, 0)
    per_member.append(len(copies))
    union.update(copies)
print(f"page_bytes={PAGE_BYTES} pages={pages} zero_pages={zero_pages} contents_sum={sum(per_member)}",
      f"contents_union={len(union)} per_member={','.join(map(str, per_member))}")
