// Makes traces for the replay, the same every time: worlds of unique contents, and snapshots of guests.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/** Where the guests are kept from one run to the next. */
const GUESTS_DIR = path.join(os.tmpdir(), "pagekin-bench-guests");
const GUESTS = 3;
const SNAPSHOTS = 100;
const GUEST_PAGES = 262_144;
const INTERVAL_S = 18;
/** One page in so many changes from a snapshot to the next. */
const CHANGES = 50;
const ZERO = "3ee8dc4f9e7ee49593d76fe148c689ba";

const quote = (text) => `'${text.replaceAll("'", "''")}'`;

async function connect() {
  return (await DuckDBInstance.create()).connect();
}

/** A trace of so many pages, each with a content of its own, in random order. */
export async function writeUnique(file, pages) {
  const connection = await connect();
  await connection.run(`COPY (
    SELECT 'm' AS member, 0::DOUBLE AS time_s, 4096 AS page_bytes, page, from_hex(md5(page::VARCHAR)) AS fingerprint,
      false AS zero
    FROM range(${pages}) pages(page) ORDER BY page
  ) TO ${quote(file)} (FORMAT parquet)`);
}

/** The contents of a guest's pages by the snapshot of their last change: 30 % zero, 20 % common, the others unique. */
function snapshotOf(guest, snapshot) {
  return `SELECT 'g${guest}' AS member, ${snapshot * INTERVAL_S}::DOUBLE AS time_s, 4096 AS page_bytes, page,
      from_hex(CASE WHEN kind < 3 THEN '${ZERO}'
        WHEN kind < 5 THEN md5('common ' || hash(page, changed, ${guest}) % 3000)
        ELSE md5(page || ' ' || changed || ' ' || ${guest}) END) AS fingerprint,
      kind < 3 AS zero
    FROM (SELECT *, hash(changed, page, ${guest}) % 10 AS kind FROM pages) ORDER BY page`;
}

/**
 * The sources of 100 snapshots of three guests of 1 GiB, 18 seconds apart, of which 2 % change each time. 2 GiB of traces;
 * those that exist are reused.
 * @param {{log?: (line: string) => void, signal?: AbortSignal}} options
 * @returns {Promise<string[]>}
 */
export async function generateGuests({ log = () => {}, signal } = {}) {
  const fileOf = (guest, snapshot) => path.join(GUESTS_DIR, `g${guest}-${String(snapshot).padStart(2, "0")}.parquet`);
  const snapshots = [...Array(SNAPSHOTS).keys()];
  fs.mkdirSync(GUESTS_DIR, { recursive: true });
  const connection = await connect();
  for (let guest = 0; guest < GUESTS; guest++) {
    if (snapshots.every((snapshot) => fs.existsSync(fileOf(guest, snapshot)))) continue;
    log(`making ${SNAPSHOTS} snapshots of guest ${guest} in ${GUESTS_DIR}`);
    await connection.run(
      `CREATE OR REPLACE TABLE pages AS SELECT page, 0 AS changed FROM range(${GUEST_PAGES}) t(page)`,
    );
    for (const snapshot of snapshots) {
      signal?.throwIfAborted();
      if (snapshot > 0) {
        await connection.run(
          `UPDATE pages SET changed = ${snapshot} WHERE hash(page, ${snapshot}, ${guest}, 'change') % ${CHANGES} = 0`,
        );
      }
      const file = fileOf(guest, snapshot);
      const unfinished = `${file}.${process.pid}`;
      await connection.run(`COPY (${snapshotOf(guest, snapshot)}) TO ${quote(unfinished)} (FORMAT parquet)`);
      fs.renameSync(unfinished, file); // a file that has its name is whole
    }
  }
  return [...Array(GUESTS).keys()].flatMap((guest) =>
    snapshots.map((snapshot) => `g${guest}@${snapshot * INTERVAL_S}=${fileOf(guest, snapshot)}`),
  );
}
