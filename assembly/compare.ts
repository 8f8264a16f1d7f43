// Byte comparison of pages, for --verify.

/** Whether two pages are equal; bytes is a multiple of 64. */
export function isEqual(a: usize, b: usize, bytes: u32): bool {
  for (const end = a + (bytes as usize); a < end; a += 64, b += 64) {
    const x = v128.or(v128.xor(v128.load(a), v128.load(b)), v128.xor(v128.load(a, 16), v128.load(b, 16)));
    const y = v128.or(v128.xor(v128.load(a, 32), v128.load(b, 32)), v128.xor(v128.load(a, 48), v128.load(b, 48)));
    if (v128.any_true(v128.or(x, y))) return false;
  }
  return true;
}
