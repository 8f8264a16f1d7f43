import { VectorSet } from "../core/vectors.js";
import type { Crew } from "../fingerprints/crew.js";
import { hashWorld, indexSize, type WorldOptions } from "../fingerprints/world-index.js";
import { breathe } from "../system/pace.js";
import type { OpenWorld } from "../worlds/sources.js";
import { type ContentSample, sampleOf } from "./content-sample.js";

/** Hashes a world and indexes a sample of its contents, at one page size. notes: by snapshot what its file's end told. */
export async function sampleWorld(
  world: OpenWorld,
  crew: Crew,
  options: Omit<WorldOptions, "verify"> & { sampled: number },
): Promise<{ sample: ContentSample; notes: string[][] }> {
  const hashed = await hashWorld(world, crew, { ...options, verify: false });
  const { counts, popular, zeroKeys, notes } = hashed;
  const vectors = new VectorSet(crew.module, counts.length);
  await indexSize(hashed, 0, crew, (chunk) => vectors.add(chunk));
  const pages = counts.map((own) => own.pages[0]);
  const zeroPages = counts.map((own) => own.zeroPages[0]);
  const own = { pages, zeroPages, vectors: await vectors.take(breathe) };
  return { sample: sampleOf(own, options.sampled, popular, zeroKeys[0]), notes };
}
