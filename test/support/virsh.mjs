// A virsh whose libvirt is a QMP socket: it says and does what libvirt's own does for the commands that pagekin uses.
// PAGEKIN_FAKE_VIRSH names a folder: domains.json has the domains, log gets each command line as a line of JSON.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const folder = process.env.PAGEKIN_FAKE_VIRSH;
const args = process.argv.slice(2);
const domains = JSON.parse(readFileSync(path.join(folder, "domains.json"), "utf8"));
appendFileSync(path.join(folder, "log"), `${JSON.stringify(args)}\n`);
const [quiet, command, ...rest] = args;
if (quiet !== "--quiet") fail("this fake is always asked with --quiet");
const option = (name) => rest.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const asked = option("domain");
// As in tools/virsh-domain-monitor.c and virsh-domain.c (libvirt 9.0): these two convert, and do not take what they print.
const keys = { domuuid: ["name", "id"], domid: ["name", "uuid"] }[command] ?? ["name", "uuid", "id"];
const domain = domains.find((one) => keys.some((key) => one[key] === asked));
if (!domain) fail(`failed to get domain '${asked}'`);

const odd = oddNow();
// A test that ends takes its folder with it.
if (odd?.waitFor) while (!existsSync(path.join(folder, odd.waitFor)) && existsSync(folder)) await sleep(10);
if (odd?.says !== undefined) process.stdout.write(odd.says);
if (odd?.complains !== undefined) process.stderr.write(odd.complains);
if (odd?.isEndless) for (;;) await write("x".repeat(65536));
if (odd?.code !== undefined) process.exit(odd.code);
if (odd?.says === undefined) await answer();
process.exit();

function oddNow() {
  const odd = domain.odd?.[command];
  if (!odd?.isOnce) return odd;
  const done = path.join(folder, `done-${domain.id}-${command}`);
  if (existsSync(done)) return undefined;
  appendFileSync(done, "");
  return odd;
}

async function answer() {
  switch (command) {
    case "domuuid":
      return write(`${domain.uuid}\n\n`);
    case "domid":
      return write(`${domain.id}\n\n`);
    case "suspend":
      await ask({ execute: "stop" });
      return write("\n");
    case "resume": {
      const status = await ask({ execute: "query-status" });
      if (status.return.running)
        fail(`Failed to resume domain '${asked}'\nerror: Requested operation is not valid: domain is already running`);
      const { error } = await ask({ execute: "cont" });
      if (error) fail(`Failed to resume domain '${asked}'\nerror: internal error: ${error.desc}`);
      return write("\n");
    }
    case "dump": {
      if (!rest.includes("--memory-only")) fail("not this way");
      const protocol = `file:${option("file")}`;
      const { error } = await ask({ execute: "dump-guest-memory", arguments: { paging: false, protocol } });
      if (error) fail(`Failed to core dump domain '${asked}' to ${option("file")}\nerror: ${error.desc}`);
      return write("\n");
    }
    case "qemu-monitor-command":
      return write(`${JSON.stringify({ ...(await ask(JSON.parse(rest[1]))), id: "libvirt-7" })}\n`);
    default:
      fail(`unknown command: '${command}'`);
  }
}

/** What a VM answers to a command of QMP. */
async function ask(message) {
  const socket = connect(domain.socket);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) fail("the monitor is gone");
      const said = JSON.parse(value);
      if (said.QMP || said.id === "fake") return said;
    }
  };
  socket.on("error", () => fail("the monitor is gone"));
  await next();
  for (const one of [{ execute: "qmp_capabilities" }, message]) {
    socket.write(`${JSON.stringify({ ...one, id: "fake" })}\n`);
    const said = await next();
    if (one === message) {
      socket.destroy();
      return said;
    }
  }
}

function write(text) {
  return new Promise((resolve) => process.stdout.write(text, resolve));
}

function fail(what) {
  process.stderr.write(`error: ${what}\n`);
  process.exit(1);
}
