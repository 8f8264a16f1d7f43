// What QEMU's commands return. Nothing that a monitor says is believed before it has the right form.
// Format: qapi/ in QEMU's sources (run-state.json, machine.json, qom.json), docs/interop/qmp-spec.rst.

import * as v from "valibot";
import type { Monitor } from "./monitor.js";

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const SCHEMAS = {
  "query-status": v.object({ status: v.string(), running: v.boolean() }),
  "query-cpus-fast": v.array(v.object({ "thread-id": v.pipe(v.number(), v.safeInteger()) })),
  "query-target": v.object({ arch: v.string() }),
  "query-memory-size-summary": v.object({ "base-memory": bytes, "plugged-memory": v.optional(bytes, 0) }),
  "query-memory-devices": v.array(
    v.object({ type: v.string(), data: v.object({ memdev: v.optional(v.string(), ""), size: v.optional(bytes) }) }),
  ),
  "query-memdev": v.array(v.object({ id: v.optional(v.string(), ""), size: bytes })),
  "query-balloon": v.object({ actual: bytes }),
  "qom-list": v.array(v.object({ name: v.string(), type: v.string() })),
};

const guestStats = v.object({ stats: v.record(v.string(), v.number()), "last-update": v.number() });

type Asked = keyof typeof SCHEMAS;

/** Gives what a command returns. */
export function ask<C extends Asked>(
  qmp: Monitor,
  command: C,
  args?: Record<string, unknown>,
): Promise<v.InferOutput<(typeof SCHEMAS)[C]>> {
  return askFor<(typeof SCHEMAS)[C]>(qmp, command, SCHEMAS[command], args);
}

/** What the guest has told a balloon. */
export const askGuestStats = (qmp: Monitor, device: string): Promise<v.InferOutput<typeof guestStats>> =>
  askFor(qmp, "qom-get", guestStats, { path: device, property: "guest-stats" });

/** What a line of the human monitor prints. */
export const print = (qmp: Monitor, line: string): Promise<string> =>
  askFor(qmp, "human-monitor-command", v.string(), { "command-line": line });

async function askFor<S extends v.GenericSchema>(
  qmp: Monitor,
  command: string,
  schema: S,
  args: Record<string, unknown> | undefined,
): Promise<v.InferOutput<S>> {
  const result = v.safeParse(schema, await qmp.execute(command, args));
  if (result.success) return result.output;
  throw qmp.fault(`its answer to ${command} is not of the form that QEMU's has`, "is this the monitor of a QEMU?");
}
