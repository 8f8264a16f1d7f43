// A peer that counts something else is no yardstick: its counts must be pagekin's.

import fs from "node:fs";
import path from "node:path";

/** The rows of one of pagekin's tables whose fields hold no commas. @param {string} file */
export function readTable(file) {
  const [header, ...lines] = fs.readFileSync(file, "utf8").trimEnd().split("\n");
  const columns = header.split(",");
  return lines.map((line) => {
    const fields = line.split(",");
    return Object.fromEntries(columns.map((column, i) => [column, fields[i]]));
  });
}

/** One line of a peer: `page_bytes=4096 pages=... zero_pages=...`. */
const parseLine = (line) => Object.fromEntries(line.split(" ").map((field) => field.split("=")));

/**
 * A bar on the number of counts in which a peer and pagekin differ.
 * @param {string} folder pagekin's tables
 * @param {string} peer
 * @param {string} output what the peer printed
 * @returns {import('./sections.mjs').Bar}
 */
export function countsBar(folder, peer, output) {
  const totals = readTable(path.join(folder, "inter.csv"));
  const perMember = readTable(path.join(folder, "self.csv"));
  let different = 0;
  for (const line of output.split("\n").map(parseLine)) {
    const total = totals.find((row) => row.page_bytes === line.page_bytes);
    const own = perMember.filter((row) => row.page_bytes === line.page_bytes);
    const zeroPages = own.reduce((sum, row) => sum + Number(row.zero_pages), 0);
    for (const count of ["pages", "contents_sum", "contents_union"]) {
      if (total?.[count] !== line[count]) different++;
    }
    if (zeroPages !== Number(line.zero_pages)) different++;
    if (own.map((row) => row.contents).join() !== line.per_member) different++;
  }
  return { name: `counts that differ from those of ${peer}`, got: different, limit: 0 };
}
