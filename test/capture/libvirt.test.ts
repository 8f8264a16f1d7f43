// VMs of libvirt's, through a virsh that speaks for VMs of the test; libvirt.full.test.ts has a real one.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { expectRefused, expectRunning, firstSnapshot, withoutForecast } from "../support/captured.js";
import { elfCore } from "../support/dumps/elf.js";
import { type FakeDomain, FakeVirsh, type Odd } from "../support/fake-virsh.js";
import { test as base } from "../support/folder.js";
import { type GuestFixture, guestFixture, HAS_QEMU, QEMU } from "../support/guest.js";
import { type Ended, ended, pagekin, start } from "../support/pagekin.js";
import { FakeVm, fails, returns, type Script } from "../support/qmp-server.js";
import { because, IS_LINUX, IS_ROOT } from "../support/tools.js";

interface Vms {
  /** Starts a VM and makes it a domain; its UUID ends in its number. */
  vm(name: string, script?: Script, odd?: FakeDomain["odd"]): Promise<FakeVm>;
  /** Has virsh know something else of a domain from now on. */
  change(name: string, what: Partial<FakeDomain>): void;
  virsh: FakeVirsh;
}

const uuidOf = (i: number) => `01234567-89ab-4cde-8f01-23456789ab${String(i).padStart(2, "0")}`;

const test = base.extend<{ vms: Vms } & GuestFixture>({
  ...guestFixture,
  vms: async ({ folder }, use) => {
    const virsh = FakeVirsh.make(folder);
    const started: FakeVm[] = [];
    const processes: ChildProcess[] = [];
    const domains: FakeDomain[] = [];
    await use({
      virsh,
      vm: async (name, script = () => undefined, odd = {}) => {
        const i = domains.length;
        // What looks like its QEMU to pagekin.
        const qemu = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)", "--", "-uuid", uuidOf(i)]);
        processes.push(qemu);
        const usual: Script = (command, args, fake) => script(command, args, fake) ?? runs(qemu.pid, command, args);
        const socket = path.join(folder, `${i}.qmp`);
        const fake = await new FakeVm(usual).listen(socket);
        started.push(fake);
        domains.push({ name, uuid: uuidOf(i), id: String(i + 1), socket, odd });
        virsh.knows(domains);
        return fake;
      },
      change: (name, what) => {
        Object.assign(domains.find((one) => one.name === name) as FakeDomain, what);
        virsh.knows(domains);
      },
    });
    for (const fake of started) fake.close();
    for (const one of processes) one.kill();
  },
});

function runs(pid: number | undefined, command: string, args: Record<string, unknown>) {
  if (command === "query-cpus-fast") return returns([{ "cpu-index": 0, "thread-id": pid }]);
  if (command !== "dump-guest-memory") return undefined;
  const loads = [{ paddr: 0, bytes: new Uint8Array(64 * 1024).fill(7) }];
  try {
    writeFileSync(String(args.protocol).replace(/^file:/, ""), elfCore({ loads }));
    return returns();
  } catch (error) {
    // pagekin has ended, and its folder is gone.
    return fails((error as Error).message);
  }
}

const argsOf = (domains: readonly string[], more: readonly string[] = []) => [
  ...["capture", "vm", ...domains.flatMap((domain) => ["--libvirt", domain])],
  ...["--method", "core", "--out", "out", ...more],
];

const core = (folder: string, { virsh }: Vms, domains: readonly string[], more?: readonly string[]): Promise<Ended> =>
  pagekin(argsOf(domains, more), { cwd: folder, env: virsh.env });

const isStopping = ([, command]: string[]) => ["suspend", "resume", "dump"].includes(command);
const commands = ({ virsh }: Vms) => virsh.told.filter(isStopping).map(([, command]) => command);
const stopsOf = ({ told }: FakeVm) => told.filter((one) => one === "stop" || one === "cont");

/** The guardian, once there is one. */
async function guardianOf(pid: number | undefined): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    const found = children.find((child) => readFileSync(`/proc/${child}/cmdline`, "latin1").includes("guard.js"));
    if (found) return Number(found);
    await sleep(5);
  }
}

async function gone(pid: number): Promise<void> {
  while (readdirSync("/proc").includes(String(pid))) await sleep(20);
}

describe.skipIf(!IS_LINUX)(`a domain of libvirt's${because(IS_LINUX, "this is no Linux")}`, () => {
  test("is suspended, dumped and resumed by libvirt; a name is never code", async ({ folder, vms }) => {
    const names = ["web", "-x", "$(touch a); 'b\" --file=c|d"];
    for (const name of names) await vms.vm(name);
    const given = ["web", "second=-x", `third=${names[2]}`];
    expect(withoutForecast(await core(folder, vms, given))).toMatchObject({ code: 0, stderr: "" });
    expect(commands(vms).sort()).toEqual(["dump", "resume", "suspend"].flatMap((one) => [one, one, one]));
    // Found by name once, and by UUID from then on.
    const asked = vms.virsh.told.map((args) => args.find((arg) => arg.startsWith("--domain="))?.slice(9));
    for (const [i, name] of names.entries()) {
      expect(asked.filter((one) => one === name).length).toBe(1);
      expect(asked.filter((one) => one === uuidOf(i)).length).toBeGreaterThan(5);
    }
    expect(readdirSync(path.join(folder, "out")).sort()).toEqual(
      ["capture.json", "inventory.csv", "second@0.elf", "third@0.elf", "usage.csv", "web@0.elf"].sort(),
    );
    expect(readdirSync(folder)).not.toContain("a");
  });

  test("that its owner has paused stays so", async ({ folder, vms }) => {
    const web = await vms.vm("web");
    web.running = false;
    expect(await core(folder, vms, ["web"])).toMatchObject({ code: 0, stderr: "" });
    expect(commands(vms)).toEqual(["dump"]);
    expect(web.running).toBe(false);
  });

  test("is resumed where another one fails", async ({ folder, vms }) => {
    const web = await vms.vm("web");
    const db = await vms.vm("db", undefined, { suspend: { complains: "error: Failed\nerror: no\n", code: 1 } });
    expectRefused(folder, await core(folder, vms, ["web", "db"]), /domain db: virsh suspend: Failed: no\n/);
    expect([stopsOf(web), stopsOf(db)]).toEqual([["stop", "cont"], []]);
  });

  test("is named in the error where it is not resumed, and resumed later", async ({ folder, vms }) => {
    let refusals = 1;
    const web = await vms.vm("web", (command) => (command === "cont" && refusals-- > 0 ? fails("no") : undefined));
    const says = /VM web: could not be continued: virsh resume: Failed to resume .*: internal error: no; continue it/;
    expectRefused(folder, await core(folder, vms, ["web"]), says);
    await expectRunning(web);
  });

  test("is resumed where pagekin is interrupted or killed while it is dumped", async ({ folder, vms }) => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const web = await vms.vm(signal, undefined, { dump: { waitFor: `dumped-${signal}` } });
      const child = start(argsOf([signal]), { cwd: folder, env: vms.virsh.env });
      const end = ended(child);
      while (
        !vms.virsh.told.some(
          ([, command, domain]) => command === "dump" && domain.endsWith(uuidOf(signal === "SIGINT" ? 0 : 1)),
        )
      )
        await sleep(5);
      expect(web.running).toBe(false);
      child.kill(signal);
      await expectRunning(web);
      vms.virsh.release(`dumped-${signal}`);
      expect(withoutForecast(await end).stderr).toBe(signal === "SIGKILL" ? "" : "pagekin: interrupted\n");
    }
  });

  test("is resumed where pagekin is killed before virsh has suspended it", async ({ folder, vms }) => {
    const web = await vms.vm("web", undefined, { suspend: { waitFor: "suspended" } });
    const child = start(argsOf(["web"]), { cwd: folder, env: vms.virsh.env });
    const end = once(child, "exit");
    while (!commands(vms).includes("suspend")) await sleep(5);
    child.kill("SIGKILL");
    await end;
    // As long as a guardian takes that does not know of the virsh that is still there.
    await sleep(1000);
    expect(web.running).toBe(true);
    vms.virsh.release("suspended");
    while (!web.told.includes("stop")) await sleep(5);
    await expectRunning(web);
    expect(stopsOf(web)).toEqual(["stop", "cont"]);
  });

  test("that was started anew and paused by its owner meanwhile is not resumed", async ({ folder, vms }) => {
    const web = await vms.vm("web", undefined, { dump: { waitFor: "never" } });
    const child = start(argsOf(["web"]), { cwd: folder, env: vms.virsh.env });
    const end = once(child, "exit");
    while (!commands(vms).includes("dump")) await sleep(5);
    const guardian = await guardianOf(child.pid);
    vms.change("web", { id: "77" });
    child.kill("SIGKILL");
    await end;
    await gone(guardian);
    expect(stopsOf(web)).toEqual(["stop"]);
    vms.virsh.release("never");
  });

  test("that was started anew between two snapshots ends the series", async ({ folder, vms }) => {
    await vms.vm("web");
    const child = start(argsOf(["web"], ["--every", "1s", "--for", "1s"]), { cwd: folder, env: vms.virsh.env });
    const end = ended(child);
    await firstSnapshot(child);
    vms.change("web", { id: "77" });
    expect(withoutForecast(await end)).toMatchObject({
      code: 2,
      stderr: "pagekin: domain web: was stopped or restarted since the capture began; run the same command again\n",
    });
  });

  test("that cannot be captured is refused, with what to do", async ({ folder, vms }) => {
    await vms.vm("off");
    await vms.vm("elsewhere", (command) => (command === "query-cpus-fast" ? returns([{ "thread-id": 1 }]) : undefined));
    vms.change("off", { id: "-" });
    const cases: [domain: string, says: RegExp][] = [
      ["nope", /domain nope: virsh domuuid: failed to get domain 'nope'; virsh list must show it/],
      ["off", /domain off: is not running; start it first/],
      ["elsewhere", /domain elsewhere: its QEMU process is not visible here; run on the VM's host/],
    ];
    for (const [domain, says] of cases) expectRefused(folder, await core(folder, vms, [domain]), says);
    const twice = await core(folder, vms, ["off", `a=${uuidOf(0)}`]);
    expectRefused(folder, twice, /is not running/);
    const empty = path.join(folder, "empty");
    const without = await pagekin(argsOf(["web"]), { cwd: folder, env: { PATH: empty } });
    expectRefused(folder, without, /domain web: virsh is not installed or not on PATH; install libvirt-clients/);
  });

  test("that is named twice is refused", async ({ folder, vms }) => {
    await vms.vm("web");
    for (const other of [uuidOf(0), "1"])
      expectRefused(folder, await core(folder, vms, ["web", `a=${other}`]), /web and a are the same; name it once/);
  });

  const odd: [what: string, odd: Odd][] = [
    ["prints nothing", { says: "" }],
    ["prints something else", { says: '[]\n"\u001b[2J' }],
    ["prints null", { says: "null\n" }],
    ["prints a number", { says: "5\n" }],
    ["prints an object", { says: '{"return": {"status": 5}}\n' }],
    ["prints without end", { isEndless: true }],
    ["fails without a word", { code: 3 }],
    ["fails with many words", { complains: `error: \u001b[31m${"no\n".repeat(30_000)}`, code: 1 }],
  ];
  test.for(["domuuid", "domid", "qemu-monitor-command"])(
    "is left running whatever %s does",
    async (command, { folder, vms }) => {
      for (const [what, one] of odd) {
        // An ID like any other.
        if (command === "domid" && one.says === "5\n") continue;
        const web = await vms.vm(what, undefined, { [command]: one });
        const end = await core(folder, vms, [what]);
        try {
          expectRefused(folder, end, /./);
        } catch (error) {
          throw new Error(`where it ${what}: ${(error as Error).message}`);
        }
        expect(stopsOf(web)).toEqual([]);
      }
    },
  );

  test.for(["suspend", "dump", "resume"])("goes on whatever %s does", async (command, { folder, vms }) => {
    for (const [what, one] of odd) {
      if (command === "resume" && one.says !== undefined) continue;
      const web = await vms.vm(what, undefined, { [command]: { ...one, isOnce: true } });
      const end = await core(folder, vms, [what]);
      if (command === "resume") expectRefused(folder, end, /VM .*: could not be continued: virsh resume: /);
      else if (end.code !== 0) expectRefused(folder, end, /./);
      await expectRunning(web);
      rmSync(path.join(folder, "out"), { recursive: true, force: true });
    }
  });
});

const CAN_READ = HAS_QEMU && IS_ROOT;
const why = HAS_QEMU ? "reading QEMU's memory takes root" : `${QEMU} is not installed`;

describe.skipIf(!CAN_READ)(`the memory of a VM of QEMU's${because(CAN_READ, why)}`, () => {
  test("is the same through virsh as by its own monitor", async ({ folder, vms, guest }) => {
    const libvirts = path.join(folder, "libvirt.qmp");
    const vm = await guest({
      name: "web",
      more: ["-uuid", uuidOf(0), "-qmp", `unix:${libvirts},server=on,wait=off`],
    });
    vms.virsh.knows([{ name: "web", uuid: uuidOf(0), id: "1", socket: libvirts }]);
    const run = (args: readonly string[]) => pagekin(["capture", "vm", ...args], { cwd: folder, env: vms.virsh.env });
    const running = await run(["--libvirt", "web", "--fingerprint", "--page-size", "4k", "--out", "running"]);
    expect(running).toMatchObject({ code: 0, stderr: "" });
    expect(running.stdout).toMatch(
      /^The snapshot will pause 1 VM for (less than 0\.1 s|about [\d.]+ s) \([\d.]+ [MG]iB to read\)\n/,
    );
    await vm.goesOn();
    expect(commands(vms)).toEqual(["suspend", "resume"]);

    await vm.tell("stop");
    for (const [out, way] of [
      ["a", ["--libvirt", "web"]],
      ["b", ["--qmp", `web=${vm.socket}`]],
    ] as const) {
      const end = await run([...way, "--out", out]);
      // What is not paused needs no forecast.
      expect(end).toMatchObject({ code: 0, stderr: "" });
      expect(end.stdout).not.toContain("will pause");
    }
    const dumps = ["a", "b"].map((out) => readFileSync(path.join(folder, out, "web@0.elf")));
    expect(dumps[0].length).toBeGreaterThan(2 ** 20);
    expect(dumps[0].equals(dumps[1])).toBe(true);
    expect(await vm.isRunning()).toBe(false);
    const twice = await run(["--libvirt", "web", "--qmp", `b=${vm.socket}`, "--out", "twice"]);
    expect(twice).toMatchObject({ code: 2, stderr: "pagekin: b and web are the same; name it once\n" });
  });

  test("is forecast in JSON too, and not with --quiet", async ({ folder, guest }) => {
    const vm = await guest({ name: "web" });
    const run = (out: string, ...more: string[]) =>
      pagekin(["capture", "vm", "--qmp", vm.socket, "--out", out, ...more], { cwd: folder });
    const asJson = await run("a", "--json", "--every", "100ms", "--for", "100ms");
    expect(asJson.stderr).toBe("");
    const { estimated_held_ms: estimate, snapshots } = JSON.parse(asJson.stdout);
    expect(Number.isInteger(estimate)).toBe(true);
    expect(estimate).toBeGreaterThan(0);
    expect(snapshots.length).toBe(2);
    expect(readdirSync(path.join(folder, "a")).sort()).toEqual(
      ["capture.json", "inventory.csv", "usage.csv", "web@0.1.elf", "web@0.elf"].sort(),
    );
    expect(await run("b", "--quiet")).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});
