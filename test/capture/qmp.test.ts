// VMs whose monitors do not do what they should: whatever happens, all VMs go on.

import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { expectRefused, expectRunning, firstSnapshot, withoutForecast } from "../support/captured.js";
import { elfCore } from "../support/dumps/elf.js";
import { test as base, textsIn } from "../support/folder.js";
import { expectDocumented } from "../support/json-keys.js";
import { type Ended, ended, pagekin, start, succeed } from "../support/pagekin.js";
import { type Answer, FakeVm, fails, returns, type Script } from "../support/qmp-server.js";
import { because, IS_LINUX } from "../support/tools.js";

const MIB = 2 ** 20;

interface Vms {
  /** Starts a VM; its socket is NAME.qmp in the test's folder. */
  vm(name: string, script?: Script): Promise<FakeVm>;
  /** What all VMs were told, as NAME COMMAND. */
  log: string[];
}

const test = base.extend<{ vms: Vms }>({
  vms: async ({ folder }, use) => {
    const started: FakeVm[] = [];
    const log: string[] = [];
    const vm = async (name: string, script: Script = () => undefined) => {
      const usual: Script = (command, args, fake) => script(command, args, fake) ?? dumps(command, args);
      const fake = await new FakeVm(usual, log, name).listen(path.join(folder, `${name}.qmp`));
      started.push(fake);
      return fake;
    };
    await use({ vm, log });
    for (const fake of started) fake.close();
  },
});

/** Writes a small dump, as QEMU does. */
function dumps(command: string, args: Record<string, unknown>) {
  if (command !== "dump-guest-memory") return undefined;
  const file = String(args.protocol).replace(/^file:/, "");
  const loads = [{ paddr: 0, bytes: new Uint8Array(64 * 1024).fill(7) }];
  writeFileSync(file, elfCore({ loads, notes: [{ owner: "QEMU", type: 0, bytes: new Uint8Array(440) }] }));
  return returns();
}

const core = (folder: string, names: string[], more: string[] = []): Promise<Ended> =>
  pagekin(
    [
      "capture",
      "vm",
      ...names.flatMap((name) => ["--qmp", `${name}.qmp`]),
      "--method",
      "core",
      "--out",
      "out",
      ...more,
    ],
    {
      cwd: folder,
    },
  );

describe.skipIf(!IS_LINUX)(`VMs${because(IS_LINUX, "this is no Linux")}`, () => {
  test("are stopped together, before any is dumped, and continued after the last dump", async ({ folder, vms }) => {
    await vms.vm("web");
    await vms.vm("db");
    expect((await core(folder, ["web", "db"])).code).toBe(0);
    const order = vms.log.filter((line) => /stop|dump|cont/.test(line));
    expect(order.slice(0, 2).sort()).toEqual(["db stop", "web stop"]);
    expect(order.slice(2, 4)).toEqual(["web dump-guest-memory", "db dump-guest-memory"]);
    expect(order.slice(4).sort()).toEqual(["db cont", "web cont"]);
    const out = path.join(folder, "out");
    expect(textsIn(out)["inventory.csv"]).toBe("path,member,time_s\nweb@0.elf,web,0\ndb@0.elf,db,0\n");
    for (const file of readdirSync(out)) expect(statSync(path.join(out, file)).mode & 0o777, file).toBe(0o600);
    await succeed(["analyze", "--inventory", "out/inventory.csv", "--out", "tables", "--quiet"], { cwd: folder });
  });

  test("are told of in JSON by the keys of docs/json.md", async ({ folder, vms }) => {
    await vms.vm("web");
    const end = await core(folder, ["web"], ["--json"]);
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expectDocumented("capture", [end.stdout]);
  });

  test("that were paused stay so", async ({ folder, vms }) => {
    const web = await vms.vm("web");
    web.running = false;
    expect((await core(folder, ["web"])).code).toBe(0);
    expect(web.told).not.toContain("cont");
    expect(web.told).not.toContain("stop");
  });

  test("that their owner pauses or continues between two snapshots are left so", async ({ folder, vms }) => {
    const web = await vms.vm("web");
    const db = await vms.vm("db");
    db.running = false;
    const qmp = ["web", "db"].flatMap((name) => ["--qmp", `${name}.qmp`]);
    const args = ["capture", "vm", ...qmp, "--method", "core", "--every", "1s", "--for", "1s", "--out", "out"];
    const child = start(args, { cwd: folder });
    const end = ended(child);
    await firstSnapshot(child);
    web.running = false;
    db.running = true;
    expect(withoutForecast(await end)).toMatchObject({ code: 0, stderr: "" });
    expect([web.running, db.running]).toEqual([false, true]);
    const stopsOf = ({ told }: FakeVm) => told.filter((one) => one === "stop" || one === "cont");
    expect([web, db].map(stopsOf)).toEqual([
      ["stop", "cont"],
      ["stop", "cont"],
    ]);
  });

  test("are not stopped any more when the process that would let them go is gone", async ({ folder, vms }) => {
    const web = await vms.vm("web");
    const args = [
      "capture",
      "vm",
      "--qmp",
      "web.qmp",
      "--method",
      "core",
      "--every",
      "1s",
      "--for",
      "2s",
      "--out",
      "out",
    ];
    const child = start(args, { cwd: folder });
    const end = ended(child);
    await firstSnapshot(child);
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
    expect(children).toMatch(/^\d+$/);
    process.kill(Number(children), "SIGKILL");
    expect(withoutForecast(await end)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^pagekin: the process that would resume/),
    });
    expect(web.told.filter((one) => one === "stop").length).toBe(1);
    expect(web.running).toBe(true);
  });

  const failures: [what: string, script: Script, says: RegExp][] = [
    ["does not stop", (command) => (command === "stop" ? fails("no") : undefined), /db\.qmp: stop: no/],
    [
      "may not write",
      (command) => (command === "dump-guest-memory" ? fails("dump: failed to open: Permission denied") : undefined),
      /db@0\.elf: dump-guest-memory: .*Permission denied; QEMU writes this file as its own user/,
    ],
    [
      "has no room for its dump",
      (command) =>
        command === "dump-guest-memory" ? fails("dump: failed to save memory: No space left on device") : undefined,
      /db@0\.elf: .*No space left on device; free some/,
    ],
    [
      "goes away while it dumps",
      (command) => (command === "dump-guest-memory" ? "close" : undefined),
      /VM db: could not be continued: the monitor closed the connection/,
    ],
    [
      "does not continue at first",
      (command, _args, { told }) =>
        command === "cont" && told.filter((one) => one === "cont").length === 1 ? fails("not now") : undefined,
      /VM db: could not be continued: cont: not now; continue it by hand/,
    ],
  ];
  test.for(failures)("go on where one %s", async ([, script, says], { folder, vms }) => {
    const web = await vms.vm("web");
    const db = await vms.vm("db", script);
    expectRefused(folder, await core(folder, ["web", "db"]), says);
    await expectRunning(web, db);
  });

  test("go on where pagekin is interrupted or killed while one dumps", async ({ folder, vms }) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
      const web = await vms.vm(`web-${signal}`);
      const db = await vms.vm(`db-${signal}`, (command) => (command === "dump-guest-memory" ? "silence" : undefined));
      const qmp = ["web", "db"].flatMap((name) => ["--qmp", `${name}-${signal}.qmp`]);
      const child = start(["capture", "vm", ...qmp, "--method", "core", "--out", "out"], { cwd: folder });
      const end = ended(child);
      while (!db.told.includes("dump-guest-memory")) await sleep(5);
      expect([web.running, db.running]).toEqual([false, false]);
      child.kill(signal);
      await expectRunning(web, db);
      expect(withoutForecast(await end).stderr).toBe(signal === "SIGKILL" ? "" : "pagekin: interrupted\n");
    }
  });

  test("are paused one after the other if asked, and capture.json says when each was", async ({ folder, vms }) => {
    const atOnce: boolean[] = [];
    const web = await vms.vm("web", (command) => {
      if (command === "dump-guest-memory") atOnce.push(db.running);
      return undefined;
    });
    const db = await vms.vm("db", (command) => {
      if (command === "dump-guest-memory") atOnce.push(web.running);
      return undefined;
    });
    const end = await core(folder, ["web", "db"], ["--one-at-a-time", "--json"]);
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(vms.log.filter((line) => /stop|dump|cont/.test(line))).toEqual(
      ["web", "db"].flatMap((name) => ["stop", "dump-guest-memory", "cont"].map((command) => `${name} ${command}`)),
    );
    expect(atOnce).toEqual([true, true]);
    const [snapshot] = JSON.parse(textsIn(path.join(folder, "out"))["capture.json"]).snapshots;
    const [first, second] = snapshot.members;
    expect(first.taken).toBe(snapshot.taken);
    expect(Date.parse(second.taken)).toBeGreaterThanOrEqual(Date.parse(first.taken) + first.heldMs - 1);
    expect(snapshot.heldMs).toBe(Math.max(first.heldMs, second.heldMs));
    const [shown] = JSON.parse(end.stdout).snapshots;
    expect(shown.members.map((member: { taken: string; held_ms: number }) => [member.taken, member.held_ms])).toEqual(
      [first, second].map(({ taken, heldMs }) => [taken, heldMs]),
    );
    // Another series than one of VMs that are paused together.
    expect(await core(folder, ["web", "db"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/another capture is in this folder/),
    });
  });

  test("go on one after the other, and the next is not paused, where one fails", async ({ folder, vms }) => {
    const web = await vms.vm("web", (command) => (command === "dump-guest-memory" ? fails("no") : undefined));
    const db = await vms.vm("db");
    expectRefused(folder, await core(folder, ["web", "db"], ["--one-at-a-time"]), /dump-guest-memory: no/);
    await expectRunning(web, db);
    expect(db.told).not.toContain("stop");
  });

  test("whose monitors send events for ever, and nothing else, are refused", async ({ folder }) => {
    const events = Buffer.from('{"event": "RTC_CHANGE", "data": {}}\r\n'.repeat(1000));
    const flood = createServer((socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(events));
      };
      socket.on("drain", more).on("error", () => {});
      more();
    }).listen(path.join(folder, "db.qmp"));
    expectRefused(folder, await core(folder, ["db"]), /db\.qmp: this is no QMP monitor/);
    flood.close();
  });

  test("are refused where no QMP monitor listens", async ({ folder }) => {
    const other = createServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n")).listen(path.join(folder, "db.qmp"));
    expectRefused(folder, await core(folder, ["db"]), /db\.qmp: this is no QMP monitor/);
    other.close();
  });

  test("are refused while they are moved", async ({ folder, vms }) => {
    const migrating: Script = (command) =>
      command === "query-status" ? returns({ status: "inmigrate", running: false }) : undefined;
    await vms.vm("web", migrating);
    expectRefused(folder, await core(folder, ["web"]), /web\.qmp: the VM is being moved \(inmigrate\)/);
  });

  test("whose RAM cannot be told from other memory are refused", async ({ folder, vms }) => {
    const shared: Script = (command, args) => {
      if (command === "query-memdev")
        return returns([
          { id: "pc.ram", size: 128 * MIB },
          { id: "ivshmem", size: MIB },
        ]);
      if (args["command-line"] !== "info mtree -f") return undefined;
      return returns(
        [
          "FlatView #0",
          ' AS "memory", root: system',
          " Root memory region: system",
          "  0000000000000000-0000000007ffffff (prio 0, ram): pc.ram KVM",
          "  00000000fe000000-00000000fe0fffff (prio 1, ram): ivshmem KVM",
          "",
        ].join("\r\n"),
      );
    };
    await vms.vm("web", shared);
    const end = await pagekin(["capture", "vm", "--qmp", "web.qmp", "--out", "out"], { cwd: folder });
    expectRefused(
      folder,
      end,
      /its memory backends \(pc\.ram, ivshmem\) have 135266304 bytes, its RAM 134217728; take --method core/,
    );
  });

  const COMMANDS = [
    "qmp_capabilities",
    "query-status",
    "query-target",
    "qom-list",
    "query-memory-size-summary",
    "stop",
    "dump-guest-memory",
    "cont",
  ];
  const VALUES = [null, [], 5, "text", {}, [null], { status: 5 }, { "base-memory": "many" }];
  const hostile: [what: string, answer: Answer][] = [
    ...VALUES.flatMap((value): [string, Answer][] => [
      [`returns ${JSON.stringify(value)}`, returns(value)],
      [`refuses with ${JSON.stringify(value)}`, { error: value }],
      [`sends ${JSON.stringify(value)}`, { raw: `${JSON.stringify(value)}\r\n`, ends: true }],
    ]),
    ["sends what is no JSON", { raw: "{]\r\n" }],
    ["ends in the middle of a line", { raw: '{"return": {"sta', ends: true }],
    ["goes away", "close"],
  ];

  /** pagekin has either done its work, or said one line and left nothing; in any case the VM runs. */
  async function expectNoHarm(folder: string, vm: FakeVm, end: Ended): Promise<void> {
    if (end.code !== 0) expectRefused(folder, end, /./);
    await expectRunning(vm);
  }

  test.for(COMMANDS)("go on whatever their monitors answer to %s", async (command, { folder, vms }) => {
    for (const [i, [what, answer]] of hostile.entries()) {
      let times = 0;
      // Only once: whoever continues the VM later must be heard.
      const vm = await vms.vm(`vm${i}`, (told, _args, fake) => {
        if (told !== command || times++ > 0) return undefined;
        // A monitor that says so has let the VM go.
        if (told === "cont" && typeof answer === "object" && "return" in answer) fake.running = true;
        return answer;
      });
      const end = await core(folder, [`vm${i}`]);
      await expectNoHarm(folder, vm, end).catch((error: Error) => {
        throw new Error(`where it ${what}: ${error.message}`);
      });
      rmSync(path.join(folder, "out"), { recursive: true, force: true });
    }
  });

  test.for(["query-status", "stop", "cont"])(
    "whose lines have no end at %s go on",
    async (command, { folder, vms }) => {
      let times = 0;
      const web = await vms.vm("web", (told) => (told === command && times++ === 0 ? "endless" : undefined));
      expectRefused(folder, await core(folder, ["web"]), /a line does not end/);
      expect(web.flooded).toBeLessThan(64 * MIB);
      await expectRunning(web);
    },
  );

  test("whose memory has a map that QEMU would not print are refused", async ({ folder, vms }) => {
    const region = (i: number) =>
      `  ${(i * 8192).toString(16).padStart(16, "0")}-${(i * 8192 + 4095).toString(16).padStart(16, "0")} (prio 0, ram): ram KVM`;
    const maps = [
      Array.from({ length: 20_000 }, (_, i) => region(i)),
      ["  ffffffffffff0000-ffffffffffffffff (prio 0, ram): ram KVM"],
      ["  0000000000002000-0000000000001fff (prio 0, ram): ram KVM"],
    ];
    for (const [i, lines] of maps.entries()) {
      await vms.vm(`vm${i}`, (command, args) => {
        if (command === "query-memdev") return returns([{ id: "ram", size: 128 * MIB }]);
        if (args["command-line"] !== "info mtree -f") return undefined;
        return returns(["FlatView #0", ' AS "memory", root: system', ...lines].join("\r\n"));
      });
      const end = await pagekin(["capture", "vm", "--qmp", `vm${i}.qmp`, "--out", "out"], { cwd: folder });
      expectRefused(folder, end, /its map of memory is not one that QEMU would print; take --method core/);
    }
  });

  test("with a balloon tell what they use, at every time, and a replay takes it", async ({ folder, vms }) => {
    const device = "/machine/peripheral/balloon0";
    const set: unknown[] = [];
    const ballooned: Script = (command, args) => {
      if (command === "qom-list" && args.path === "/machine/peripheral")
        return returns([
          { name: "type", type: "string" },
          { name: "balloon0", type: "child<virtio-balloon-pci>" },
        ]);
      if (command === "query-balloon") return returns({ actual: 96 * MIB });
      if (args.path !== device) return undefined;
      if (command === "qom-set") set.push(args.value);
      if (command === "qom-set") return returns();
      if (args.property === "guest-stats-polling-interval") return returns(0);
      const stats = {
        "stat-total-memory": 90 * MIB,
        "stat-free-memory": 30 * MIB,
        "stat-swap-in": 18446744073709552000,
      };
      return returns({ stats, "last-update": set.length > 0 ? 1700000000 : 0 });
    };
    await vms.vm("web", ballooned);
    await vms.vm("db");
    const end = await core(folder, ["web", "db"], ["--every", "100ms", "--for", "0.2s"]);
    expect(withoutForecast(end)).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout).toMatch(/Note: db: muv_bytes is empty in usage\.csv where the guest did not tell/);
    // As it was before.
    expect(set).toEqual([1, 0]);
    const texts = textsIn(path.join(folder, "out"));
    const [head, ...rows] = texts["usage.csv"].trim().split("\n");
    expect(head).toBe("time_s,vm,muv_bytes,mup_bytes,muh_rate");
    expect(rows.map((row) => row.split(",").slice(0, 3).join())).toEqual(
      ["0", "0.1", "0.2"].flatMap((time) => [`${time},web,${60 * MIB}`, `${time},db,`]),
    );
    for (const row of rows) {
      const [, , , resident, host] = row.split(",").map(Number);
      expect(resident).toBeGreaterThan(MIB);
      expect(host).toBeGreaterThan(0);
      expect(host).toBeLessThan(1);
    }
    expect(JSON.parse(texts["capture.json"]).snapshots[0].members[0].balloonBytes).toBe(96 * MIB);
    const scenario =
      "inventory: out/inventory.csv\nuntil: 1s\npolicy: one-group\nusage: out/usage.csv\nhost: {memory: 1g}\ncontroller: semma\n";
    writeFileSync(path.join(folder, "scenario.yaml"), scenario);
    await succeed(["replay", "scenario.yaml", "--out", "replayed", "--quiet"], { cwd: folder });
  });
});
