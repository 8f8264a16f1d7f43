// A folder with a `virsh` for PATH that speaks for VMs of a test.

import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What it does in place of an answer: waits for a file in its folder, prints, ends with a code. */
export interface Odd {
  waitFor?: string;
  /** The first time only. */
  isOnce?: boolean;
  says?: string;
  complains?: string;
  isEndless?: boolean;
  code?: number;
}

export interface FakeDomain {
  name: string;
  uuid: string;
  /** "-": it does not run. */
  id: string;
  /** QMP monitor of the VM that it is. */
  socket: string;
  /** By command of virsh. */
  odd?: Record<string, Odd>;
}

export class FakeVirsh {
  private constructor(private readonly folder: string) {}

  static make(parent: string): FakeVirsh {
    const folder = path.join(parent, "virsh");
    mkdirSync(folder);
    const program = fileURLToPath(new URL("./virsh.mjs", import.meta.url));
    const file = path.join(folder, "virsh");
    writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    chmodSync(file, 0o755);
    const fake = new FakeVirsh(folder);
    fake.knows([]);
    return fake;
  }

  knows(domains: readonly FakeDomain[]): void {
    writeFileSync(path.join(this.folder, "domains.json"), JSON.stringify(domains));
  }

  /** For pagekin. */
  get env(): Record<string, string> {
    return { PATH: `${this.folder}:${process.env.PATH}`, PAGEKIN_FAKE_VIRSH: this.folder };
  }

  /** Ends the wait for a file. */
  release(file: string): void {
    appendFileSync(path.join(this.folder, file), "");
  }

  /** Command lines so far. */
  get told(): string[][] {
    const log = path.join(this.folder, "log");
    return existsSync(log)
      ? readFileSync(log, "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [];
  }
}
