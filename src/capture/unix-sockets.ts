// Which sockets the kernel has under a path, and which processes hold them.
// Format: net/unix/af_unix.c, unix_seq_show (Linux 6.1).

import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { linkOf } from "./process-memory.js";

/** Accepts connections (__SO_ACCEPTCON). */
const LISTENS = 0x10000;
/** State of a connection that was accepted (SS_CONNECTED). */
const CONNECTED = "03";

interface NamedSocket {
  /** As links in /proc show it. */
  link: string;
  name: string;
  isListening: boolean;
  isConnected: boolean;
}

/**
 * Sockets that were made under a path: that which listens there and those of its clients; also those of others whose QEMU was
 * given the same name relative to another folder. Who is connected since is the client of one.
 */
export const socketsOf = (socket: string): Set<string> => new Set(namedSockets(socket).map(({ link }) => link));

/** Connections that were accepted at a path, as far as they can be told from those at the same relative name elsewhere. */
export function clientsOf(socket: string): Set<string> {
  const sockets = namedSockets(socket);
  const isAmbiguous = sockets.filter(({ isListening }) => isListening).length > 1;
  const clients = sockets.filter(({ name, isConnected }) => isConnected && (name.startsWith("/") || !isAmbiguous));
  return new Set(clients.map(({ link }) => link));
}

function namedSockets(socket: string): NamedSocket[] {
  if (!existsSync(socket)) return [];
  const whole = realpathSync(socket);
  const found: NamedSocket[] = [];
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    const match = /^\S+ \S+ \S+ ([0-9A-F]+) \S+ (\S+) +(\d+) (.+)$/.exec(line);
    if (!match) continue;
    const [, flags, state, inode, name] = match;
    // QEMU may have been given a path that is relative to a folder we do not know: whoever holds it is looked at closer.
    if (name !== whole && name !== path.resolve(socket) && !isRelativeTo(name, whole)) continue;
    const isListening = (Number.parseInt(flags, 16) & LISTENS) !== 0;
    found.push({ link: `socket:[${inode}]`, name, isListening, isConnected: state === CONNECTED });
  }
  return found;
}

const isRelativeTo = (name: string, whole: string) =>
  !name.startsWith("/") && !name.startsWith("@") && path.basename(name) === path.basename(whole);

/** The processes that hold one of some sockets. Those of other users are hidden from a normal one. */
export function holdersOf(sockets: ReadonlySet<string>): number[] {
  if (sockets.size === 0) return [];
  const holders: number[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`;
    if (linksIn(folder).some((target) => sockets.has(target))) holders.push(Number(pid));
  }
  return holders;
}

function linksIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => linkOf(path.join(folder, name)));
  } catch {
    return [];
  }
}
