// Keyed fingerprints: each is encrypted as one block of AES-256, with a key made of a file. AES is a keyed permutation of 16
// bytes, so equal pages stay equal and different ones different under one key, and without it nobody can tell whether a
// page that he knows is there. (ECB is what a list of single blocks is called; that equal ones show is the purpose.)

import { createCipheriv, hkdfSync } from "node:crypto";
import { statSync } from "node:fs";
import { fromSystem, PagekinError } from "../errors.js";
import type { Inputs } from "../system/inputs.js";

const LEAST_BYTES = 16;
const MOST_BYTES = 1024 * 1024;
const ID_BYTES = 8;
const AES_KEY_BYTES = 32;

export interface TraceKey {
  /** Names the key, in hex, and tells nothing of it. */
  id: string;
  aes: Uint8Array;
}

/** Makes a key of all bytes of a file. */
export function readKey(file: string, inputs: Inputs): TraceKey {
  const hint = "make one of random bytes: head -c 32 /dev/urandom > FILE";
  try {
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > MOST_BYTES) throw new PagekinError("not a key file", { file, hint });
    const bytes = inputs.read(file);
    if (bytes.length < LEAST_BYTES) {
      throw new PagekinError(`a key file needs ${LEAST_BYTES} bytes or more`, { file, hint });
    }
    const derive = (what: string, length: number) =>
      new Uint8Array(hkdfSync("sha256", bytes, "", `pagekin ${what} v1`, length));
    return { id: Buffer.from(derive("key id", ID_BYTES)).toString("hex"), aes: derive("fingerprints", AES_KEY_BYTES) };
  } catch (error) {
    throw fromSystem(error, file);
  }
}

/** Makes fingerprints, of 16 bytes each, keyed ones. */
export function cipherOf({ aes }: TraceKey): (fingerprints: Uint8Array) => Uint8Array {
  return (fingerprints) => createCipheriv("aes-256-ecb", aes, null).setAutoPadding(false).update(fingerprints);
}
