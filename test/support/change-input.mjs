// Loaded into pagekin before it starts: changes a file at the moment when pagekin closes it for the n-th time, or counts that.
// PAGEKIN_TEST_CHANGE: JSON of { file, how, close }; without `how` the number of closes is written to FILE.closes.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";

const CHANGES = {
  replaced(file) {
    fs.copyFileSync(file, `${file}.new`);
    fs.renameSync(`${file}.new`, file);
  },
  truncated(file) {
    fs.truncateSync(file, fs.statSync(file).size >> 1);
  },
  extended(file) {
    fs.appendFileSync(file, Buffer.alloc(4096, 1));
  },
  rewritten(file) {
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    fs.writeFileSync(file, bytes, { flag: "r+" });
  },
  removed(file) {
    fs.renameSync(file, `${file}.gone`);
  },
};

const { file, how, close } = JSON.parse(process.env.PAGEKIN_TEST_CHANGE);
const { openSync, closeSync, close: closeLater } = fs;
const open = new Set();
let closes = 0;

if (isMainThread) {
  fs.openSync = (path, ...rest) => {
    const fd = openSync(path, ...rest);
    if (typeof path === "string" && fs.existsSync(path) && fs.realpathSync(path) === file) open.add(fd);
    return fd;
  };
  const closed = (fd) => {
    if (open.delete(fd) && ++closes === close) CHANGES[how](file);
  };
  fs.closeSync = (fd) => {
    closeSync(fd);
    closed(fd);
  };
  fs.close = (fd, then) =>
    closeLater(fd, (error) => {
      closed(fd);
      then?.(error);
    });
  if (how === undefined) process.on("exit", () => fs.writeFileSync(`${file}.closes`, String(closes)));
  syncBuiltinESMExports();
}
