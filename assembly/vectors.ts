// Copy vectors (which members hold a content, in how many copies), each kept once with the number of contents that have
// exactly it. Contents in one copy of one member, the bulk, are counted by member alone.

/** A record: u64 contents, u32 hash, u32 holders, then for each holder u32 member, u32 copies (the last member first). */
const HASH: usize = 8;
export const HOLDERS: usize = 12;
export const VECTOR: usize = 16;

let singles: usize = 0;
let members: u32 = 0;
let table: usize = 0;
let tableMask: u32 = 0;
let records: usize = 0;
let recordsEnd: usize = 0;
let recordsLimit: usize = 0;
let vectors: u32 = 0;

/**
 * Starts an empty collection: singlesAt: u64 for each of memberCount members; tableAt: tableCount (a power of two) u32; recordsAt
 * to recordsTo: the records.
 */
export function resetVectors(singlesAt: usize, memberCount: u32, tableAt: usize, tableCount: u32, recordsAt: usize, recordsTo: usize): void {
  singles = singlesAt;
  members = memberCount;
  table = tableAt;
  tableMask = tableCount - 1;
  records = recordsAt;
  recordsEnd = recordsAt;
  recordsLimit = recordsTo;
  vectors = 0;
  memory.fill(singles, 0, (members as usize) << 3);
  memory.fill(table, 0, (tableCount as usize) << 2);
}

/** Adds to each member's count of contents that it alone holds, in one copy, those at src (u32). */
export function addSingles(src: usize): void {
  for (let member: usize = 0; member < (members as usize); member++) {
    const at = singles + (member << 3);
    store<u64>(at, load<u64>(at) + (load<u32>(src + (member << 2)) as u64));
  }
}

/** Adds `contents` to the copy vector at src (holders x 8 bytes). False: the collection is full and unchanged. */
export function internVector(src: usize, holders: u32, contents: u64): bool {
  let hash: u64 = holders;
  const bytes = (holders as usize) << 3;
  for (let at: usize = 0; at < bytes; at += 8) {
    hash = (hash ^ load<u64>(src + at)) * 0x9e3779b185ebca87;
    hash ^= hash >> 32;
  }
  const short = hash as u32;
  let i = short & tableMask;
  let offset = load<u32>(table + ((i as usize) << 2));
  while (offset) {
    const record = records + offset - 1;
    if (load<u32>(record, HASH) == short && load<u32>(record, HOLDERS) == holders && isSame(record + VECTOR, src, bytes)) {
      store<u64>(record, load<u64>(record) + contents);
      return true;
    }
    i = (i + 1) & tableMask;
    offset = load<u32>(table + ((i as usize) << 2));
  }
  const record = recordsEnd;
  if (vectors > tableMask - (tableMask >> 2) || record + VECTOR + bytes > recordsLimit) return false;
  store<u32>(table + ((i as usize) << 2), (record - records + 1) as u32);
  store<u64>(record, contents);
  store<u32>(record, short, HASH);
  store<u32>(record, holders, HOLDERS);
  memory.copy(record + VECTOR, src, bytes);
  recordsEnd = record + VECTOR + bytes;
  vectors++;
  return true;
}

// @ts-ignore: decorator
@inline
function isSame(a: usize, b: usize, bytes: usize): bool {
  for (let at: usize = 0; at < bytes; at += 8) if (load<u64>(a + at) != load<u64>(b + at)) return false;
  return true;
}

/** Bytes of records collected so far. */
export function recordBytes(): u32 {
  return (recordsEnd - records) as u32;
}
