// A libvirt of its own for a test: a session daemon of the user nobody, whose sockets and files are in the test's folder.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { countingDisk, HAS_QEMU, QEMU } from "./guest.js";
import { has, IS_ROOT } from "./tools.js";

const NOBODY = 65534;

/** Why there can be none; "" where there can. */
export const NO_LIBVIRT = !HAS_QEMU
  ? `${QEMU} is not installed`
  : !has("libvirtd") || !has("virsh")
    ? "libvirtd or virsh is not installed"
    : IS_ROOT
      ? ""
      : "a libvirtd of another user, and reading its VMs, take root";

export class Libvirt {
  private readonly domains: string[] = [];

  private constructor(
    private readonly folder: string,
    private readonly daemon: ChildProcess,
    readonly uri: string,
  ) {}

  static async start(parent: string): Promise<Libvirt> {
    chmodSync(parent, 0o711);
    const folder = path.join(parent, "libvirt");
    const [run, home, file] = ["run", "home", "log"].map((name) => path.join(folder, name));
    for (const one of [folder, run, home]) {
      mkdirSync(one);
      chownSync(one, NOBODY, NOBODY);
    }
    const log = openSync(file, "w");
    const env = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: run, LIBVIRT_AUTOSTART: "0" };
    const daemon = spawn("libvirtd", [], {
      ...{ uid: NOBODY, gid: NOBODY, env, cwd: folder },
      stdio: ["ignore", log, log],
    });
    const socket = path.join(run, "libvirt/libvirt-sock");
    while (!existsSync(socket)) {
      if (daemon.exitCode !== null) throw new Error(`libvirtd ended: ${readFileSync(file, "utf8")}`);
      await sleep(50);
    }
    return new Libvirt(folder, daemon, `qemu+unix:///session?socket=${socket}`);
  }

  /** Starts a VM without KVM, whose guest counts (guest.ts). */
  create(name: string, memoryMiB: number): void {
    const disk = path.join(this.folder, `${name}.disk`);
    writeFileSync(disk, countingDisk());
    chownSync(disk, NOBODY, NOBODY);
    const emulator = execFileSync("sh", ["-c", `command -v ${QEMU}`], { encoding: "utf8" }).trim();
    const file = path.join(this.folder, `${name}.xml`);
    writeFileSync(
      file,
      `<domain type="qemu">
        <name>${name}</name><memory unit="MiB">${memoryMiB}</memory>
        <os><type arch="x86_64" machine="pc">hvm</type></os>
        <devices>
          <emulator>${emulator}</emulator>
          <disk type="file"><driver type="raw"/><source file="${disk}"/><target dev="hda" bus="ide"/></disk>
        </devices>
      </domain>`,
    );
    this.domains.push(name);
    this.virsh("create", file);
  }

  virsh(...args: string[]): string {
    const env = { ...process.env, LIBVIRT_DEFAULT_URI: this.uri };
    const { status, stdout, stderr } = spawnSync("virsh", ["--quiet", ...args], { env, encoding: "utf8" });
    if (status !== 0) throw new Error(`virsh ${args[0]}: ${stderr}`);
    return stdout.trim();
  }

  state(name: string): string {
    return this.virsh("domstate", name);
  }

  async end(): Promise<void> {
    for (const name of this.domains) this.virsh("destroy", name);
    const ended = once(this.daemon, "exit");
    this.daemon.kill();
    await ended;
    // The daemon starts it by itself.
    const logger = path.join(this.folder, "run/libvirt/virtlogd.pid");
    if (existsSync(logger)) process.kill(Number(readFileSync(logger, "utf8")));
  }
}
