// A domain of libvirt, through virsh: the monitor that libvirt holds, and pausing in a way that libvirt knows of. Which libvirt,
// virsh decides (LIBVIRT_DEFAULT_URI). Every value is an argument of its own; no shell sees it.

import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { PagekinError, quoted } from "../errors.js";
import type { Held } from "./guardian.js";
import { ANSWER_MS, MOST_ANSWER_BYTES, type Monitor, resultOf } from "./monitor.js";
import { ask } from "./qmp-answers.js";

const MOST_ERROR_BYTES = 64 * 1024;
const MOST_SHOWN = 160;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FIND = "virsh list must show it; LIBVIRT_DEFAULT_URI selects the connection, such as qemu:///system";

export class Domain implements Monitor {
  private constructor(
    readonly shownAs: string,
    readonly uuid: string,
    /** libvirt's ID, which is new each time that the domain is started. */
    private readonly id: string,
  ) {}

  /** name: or its UUID or ID, as virsh takes them. */
  static async open(name: string): Promise<Domain> {
    const shownAs = `domain ${name}`;
    const uuid = UUID.test(name.toLowerCase()) ? name.toLowerCase() : await uuidOf(shownAs, name);
    const id = await idOf(shownAs, uuid);
    if (id === undefined) throw new PagekinError("is not running", { file: shownAs, hint: "start it first" });
    return new Domain(shownAs, uuid, id);
  }

  /** The domain that was held; undefined if it is not running any more. */
  static async reopen({ domain, id }: { domain: string; id: string }): Promise<Domain | undefined> {
    const shownAs = `domain ${domain}`;
    return (await idOf(shownAs, domain)) === id ? new Domain(shownAs, domain, id) : undefined;
  }

  async toHold(): Promise<Held> {
    const { shownAs, uuid, id } = this;
    if ((await idOf(shownAs, uuid)) === id) return { domain: uuid, id };
    throw this.fault("was stopped or restarted since the capture began", "run the same command again");
  }

  async execute(command: string, args?: Record<string, unknown>, ms?: number): Promise<unknown> {
    const asked = JSON.stringify({ execute: command, ...(args && { arguments: args }) });
    const text = await this.virsh(["qemu-monitor-command", this.option, asked], { ms });
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      answer = undefined;
    }
    if (answer === null || typeof answer !== "object") throw notOfVirsh(this.shownAs, command);
    return resultOf(this, command, answer);
  }

  /** Not by QEMU's own command: libvirtd 9.0 crashes when a dump ends that it did not start. */
  async dump(file: string, ms: number): Promise<void> {
    await this.virsh(["dump", this.option, `--file=${file}`, "--memory-only"], { ms });
  }

  async pause(lifeline: Writable): Promise<void> {
    await this.virsh(["suspend", this.option], { lifeline });
  }

  async resume(): Promise<void> {
    try {
      await this.virsh(["resume", this.option]);
    } catch (error) {
      // libvirt refuses to resume what already runs.
      if (!(await ask(this, "query-status")).running) throw error;
    }
  }

  close(): void {}

  fault(what: string, hint?: string): PagekinError {
    return new PagekinError(what, { file: this.shownAs, hint });
  }

  private get option(): string {
    return `--domain=${this.uuid}`;
  }

  private virsh(args: readonly string[], how?: HowToRun): Promise<string> {
    return virsh(this.shownAs, args, how);
  }
}

/** domuuid does not take a UUID. */
async function uuidOf(shownAs: string, name: string): Promise<string> {
  const uuid = (await virsh(shownAs, ["domuuid", `--domain=${name}`], { hint: FIND })).trim();
  if (UUID.test(uuid)) return uuid;
  throw notOfVirsh(shownAs, "domuuid");
}

async function idOf(shownAs: string, uuid: string): Promise<string | undefined> {
  const id = (await virsh(shownAs, ["domid", `--domain=${uuid}`], { hint: FIND })).trim();
  if (id === "-") return undefined;
  if (!/^\d{1,10}$/.test(id)) throw notOfVirsh(shownAs, "domid");
  return id;
}

const notOfVirsh = (shownAs: string, command: string) =>
  new PagekinError(`unexpected answer to ${command}`, { file: shownAs, hint: "is the virsh on PATH that of libvirt?" });

interface HowToRun {
  /** How long it may take. */
  ms?: number | undefined;
  hint?: string;
  /** Stays open as long as it runs. */
  lifeline?: Writable;
}

/** Runs virsh; returns what it prints. Errors have its own words. */
async function virsh(
  shownAs: string,
  args: readonly string[],
  { ms = ANSWER_MS, hint, lifeline }: HowToRun = {},
): Promise<string> {
  const fault = (what: string, todo = hint) => new PagekinError(what, { file: shownAs, hint: todo });
  // In a session of its own: an interrupt from the terminal must not end it between a request and its effect.
  const child = spawn("virsh", ["--quiet", ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", ...(lifeline ? [lifeline] : [])],
  });
  let failure: PagekinError | undefined;
  const giveUp = (why: PagekinError) => {
    failure ??= why;
    child.kill("SIGKILL");
  };
  const timer = setTimeout(
    () => giveUp(fault(`virsh ${args[0]}: no answer for ${ms / 1000} s`, "is libvirt's daemon running?")),
    ms,
  );
  const tooLong = () => giveUp(fault(`virsh ${args[0]}: endless output`, "is the virsh on PATH that of libvirt?"));
  const [output, errors] = [
    collect(child.stdout as Readable, MOST_ANSWER_BYTES, tooLong),
    collect(child.stderr as Readable, MOST_ERROR_BYTES, tooLong),
  ];
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? fault("virsh is not installed or not on PATH", "install libvirt-clients")
          : fault(`virsh cannot be run: ${quoted(error.message)}`),
      ),
    );
  }).finally(() => clearTimeout(timer));
  if (failure) throw failure;
  if (code === 0) return output();
  const said = errors()
    .replace(/^error: /gm, "")
    .trim()
    .replace(/\s*\n\s*/g, ": ");
  throw fault(`virsh ${args[0]}: ${said === "" ? "failed without a reason" : quoted(said, MOST_SHOWN)}`);
}

/** Keeps what comes, up to a number of bytes; returns how to get it as text. */
function collect(stream: Readable, mostBytes: number, tooLong: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= mostBytes) chunks.push(chunk);
    else tooLong();
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
