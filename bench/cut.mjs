// Cuts dumps into members of another size.

import fs from "node:fs";
import path from "node:path";

const MIB = 1 << 20;

/** Total size. @param {string[]} files */
export function bytesOf(files) {
  return files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
}

/**
 * The dumps' first bytes, end to end, as `count` files of `bytes` in a new folder.
 * @param {string[]} files
 * @param {string} folder
 * @param {number} count
 * @param {number} bytes
 */
export function cut(files, folder, count, bytes) {
  if (bytesOf(files) < count * bytes) throw new Error(`the dumps hold less than ${(count * bytes) / MIB} MiB`);
  fs.mkdirSync(folder);
  const buffer = Buffer.alloc(MIB);
  let next = 0;
  let input = fs.openSync(files[next], "r");
  const pieces = [];
  for (let i = 0; i < count; i++) {
    pieces.push(path.join(folder, `${i}.raw`));
    const output = fs.openSync(pieces[i], "w");
    let missing = bytes;
    while (missing > 0) {
      const got = fs.readSync(input, buffer, 0, Math.min(MIB, missing), null);
      if (got === 0) {
        fs.closeSync(input);
        input = fs.openSync(files[++next], "r");
      }
      fs.writeSync(output, buffer, 0, got);
      missing -= got;
    }
    fs.closeSync(output);
  }
  fs.closeSync(input);
  return pieces;
}
