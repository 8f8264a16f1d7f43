// Monitors of QEMU's that another client holds: QEMU serves one at a time, and leaves others waiting without a word.

import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { describe, expect } from "vitest";
import { expectRefused } from "../support/captured.js";
import { HAS_QEMU, QEMU, guestTest as test } from "../support/guest.js";
import { pagekin } from "../support/pagekin.js";
import { because } from "../support/tools.js";

async function client(socket: string): Promise<Socket> {
  const one = connect(socket);
  one.on("error", () => {});
  await once(one, "connect");
  return one;
}

describe.skipIf(!HAS_QEMU)(`a monitor that is held${because(HAS_QEMU, `${QEMU} is not installed`)}`, () => {
  test("is refused, and the error says what to do by whose it seems to be", async ({ folder, guest }) => {
    const PLACES: [socket: string, says: RegExp][] = [
      ["run/libvirt/qemu/monitor.sock", /use --libvirt DOMAIN for a VM of libvirt's/],
      ["run/qemu-server/100.qmp", /Proxmox VE uses it too: try again when no task of this VM is running/],
      ["own.qmp", /use --libvirt DOMAIN with libvirt, --qmp \/var\/run\/qemu-server\/VMID\.qmp with Proxmox VE/],
    ];
    const places = PLACES.map(([socket, says]) => ({ socket: path.join(folder, socket), says }));
    for (const { socket } of places) mkdirSync(path.dirname(socket), { recursive: true });
    const more = places.flatMap(({ socket }) => ["-qmp", `unix:${socket},server=on,wait=off`]);
    const relative = `${process.pid}.qmp`;
    // Relative names are what pagekin's own examples have.
    await guest({
      name: "web",
      cwd: folder,
      more: [...more, "-qmp", `unix:${relative},server=on,wait=off`],
    });
    places.push({ socket: path.join(folder, relative), says: /another client/ });
    const run = (socket: string, out = "out") =>
      pagekin(["capture", "vm", "--qmp", `web=${socket}`, "--method", "core", "--out", out], { cwd: folder });
    for (const [i, { socket, says }] of places.entries()) {
      const holder = await client(socket);
      await once(holder, "data");
      const end = await run(socket);
      expectRefused(folder, end, /another client is connected to this monitor, which serves one at a time/);
      expect(end.stderr).toMatch(says);
      // Two more wait: the kernel lets nobody else in.
      const waiting = [1, 2, 3].map(() => connect(socket));
      await Promise.all(
        waiting.map((one) => new Promise((resolve) => one.on("connect", resolve).on("error", resolve))),
      );
      expectRefused(folder, await run(socket), says);
      for (const one of [...waiting, holder]) one.destroy();
      // Free again.
      expect((await run(socket, `free-${i}`)).code).toBe(0);
    }
  });

  test("is waited for where its client goes soon", async ({ folder, guest }) => {
    const vm = await guest({ name: "web" });
    const holder = await client(vm.socket);
    await once(holder, "data");
    const end = pagekin(["capture", "vm", "--qmp", vm.socket, "--method", "core", "--out", "out"], { cwd: folder });
    setTimeout(() => holder.destroy(), 2000);
    expect((await end).code).toBe(0);
  });
});
