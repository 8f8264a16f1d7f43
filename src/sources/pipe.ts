// What comes through standard input or a FIFO: its head is read to look at it, the rest when its turn has come.

import { constants, openSync } from "node:fs";
import type { Readable } from "node:stream";

/** Bytes that were read ahead, and the stream that the others come from. */
export interface Pipe {
  head: Buffer;
  rest: Readable;
}

/** A FIFO as a socket. Any other way of opening it would wait for a writer in a thread that no signal can end. */
export async function openFifo(file: string): Promise<Readable> {
  const { Socket } = await import("node:net");
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

/** All bytes of a pipe, from front to back. */
export async function* readPipe({ head, rest }: Pipe): AsyncGenerator<Uint8Array> {
  yield head;
  if (!rest.readableEnded) yield* rest as AsyncIterable<Uint8Array>;
}

/** Waits for the next bytes of a pipe: at least so many, unless it ends. */
export async function readHead(pipe: Readable, least: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < least; ) {
    const part: Buffer | null = pipe.read();
    if (part) {
      parts.push(part);
      bytes += part.length;
      continue;
    }
    if (pipe.readableEnded || pipe.destroyed) break;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error) => {
        pipe.off("readable", done).off("end", done).off("error", done);
        error ? reject(error) : resolve();
      };
      pipe.on("readable", done).on("end", done).on("error", done);
    });
  }
  return Buffer.concat(parts);
}
