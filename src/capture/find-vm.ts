// A VM by what the user calls it: its monitor, and which processes may be its QEMU.

import { readFileSync } from "node:fs";
import type { Monitor } from "./monitor.js";
import { Qmp } from "./qmp.js";
import { ask } from "./qmp-answers.js";
import { holdersOf, socketsOf } from "./unix-sockets.js";
import { Domain } from "./virsh.js";

/** The socket of its monitor, or libvirt's name, UUID or ID of it. */
export type VmAddress = { socket: string } | { domain: string };

export interface FoundVm {
  monitor: Monitor;
  /** Processes, the likeliest first; none where this user may not know. */
  pids: number[];
}

export const findVm = (address: VmAddress): Promise<FoundVm> =>
  "socket" in address ? findBySocket(address.socket) : findDomain(address.domain);

async function findBySocket(socket: string): Promise<FoundVm> {
  const before = socketsOf(socket);
  const monitor = await Qmp.connect(socket);
  // QEMU's end of the connection is new: another VM may have a monitor of the same relative name.
  const own = new Set([...socketsOf(socket)].filter((one) => !before.has(one)));
  return { monitor, pids: holdersOf(own) };
}

async function findDomain(name: string): Promise<FoundVm> {
  const monitor = await Domain.open(name);
  const pid = await processOf(monitor);
  return { monitor, pids: pid === undefined ? [] : [pid] };
}

/**
 * The process whose threads QEMU calls its virtual CPUs. On another machine or in another PID namespace these numbers mean
 * others, so it must also have been started with the domain's UUID.
 */
async function processOf(domain: Domain): Promise<number | undefined> {
  const [cpu] = await ask(domain, "query-cpus-fast");
  if (!cpu) return undefined;
  const folder = `/proc/${cpu["thread-id"]}`;
  try {
    const pid = Number(/^Tgid:\s+(\d+)$/m.exec(readFileSync(`${folder}/status`, "latin1"))?.[1]);
    const options = readFileSync(`${folder}/cmdline`, "latin1").split("\0");
    const isDomain = options.some((option, i) => option === "-uuid" && options[i + 1] === domain.uuid);
    return isDomain && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
