// Pages of 4 KiB that are read one process after the other, hashed and sampled as they come.

import { BASE_PAGE_BYTES, CHUNK_BYTES, Hasher, SEGMENT_BYTES } from "../core/hasher.js";
import { Indexer } from "../core/indexer.js";
import { BUCKETS } from "../core/module.js";
import { VectorSet } from "../core/vectors.js";
import { type Block, BlockStore, Budget } from "../fingerprints/buckets.js";
import { indexTasks, planIndex } from "../fingerprints/content-index.js";
import { countPopular, noCounts, type PopularCounts, randomKeySeed } from "../fingerprints/popular.js";
import { inSample, outOfSample } from "../fingerprints/sampled-buckets.js";
import { breathe } from "../system/pace.js";
import { type ContentSample, sampleOf } from "./content-sample.js";

export interface PageIndexOptions {
  /** Bytes of fingerprints that are kept in memory, and of the index. */
  bucketLimit: number;
  tableLimit: number;
  /** The first buckets, whose contents are the sample. */
  sampled: number;
}

export class PageIndex {
  private readonly hasher: Hasher;
  private readonly store: BlockStore;
  private readonly blocks: Block[] = [];
  private readonly popular: PopularCounts[] = [];
  private readonly keySeed = randomKeySeed();
  private readonly pages: number[] = [];
  private readonly zeroPages: number[] = [];
  private segment = 0;
  private inSegment = 0;

  constructor(
    private readonly module: WebAssembly.Module,
    private readonly options: PageIndexOptions,
  ) {
    this.hasher = new Hasher(module, [BASE_PAGE_BYTES]);
    this.store = new BlockStore(new Budget(options.bucketLimit), true);
  }

  /** Where pages are read to, some at a time. */
  get input(): Uint8Array {
    return this.hasher.input;
  }

  /** What is taken from now on is of the next member. */
  begin(): void {
    this.pages.push(0);
    this.zeroPages.push(0);
    this.popular.push(noCounts());
    this.segment = 0;
    this.inSegment = 0;
    this.hasher.begin();
  }

  /** Takes the pages that the input begins with. */
  take(bytes: number): void {
    if (this.inSegment + CHUNK_BYTES > SEGMENT_BYTES) this.keep();
    this.hasher.hash(bytes);
    this.inSegment += bytes;
  }

  /** The member is complete; gives its pages. */
  end(): number {
    this.keep();
    return this.pages[this.pages.length - 1];
  }

  private keep(): void {
    const { sampled } = this.options;
    const member = this.pages.length - 1;
    const { pages, zeroPages } = this.hasher.counts();
    this.pages[member] += pages[0];
    this.zeroPages[member] += zeroPages[0];
    const view = this.hasher.toBlock(false);
    if (sampled < BUCKETS) countPopular(this.popular[member], outOfSample(view, sampled), this.keySeed);
    const own = inSample(view, sampled);
    if (own.entries.length > 0) this.blocks.push(this.store.keep(member, this.segment++, own));
    this.inSegment = 0;
    this.hasher.begin();
  }

  async finish(): Promise<ContentSample> {
    const { module, blocks, popular, pages, zeroPages } = this;
    const { tableLimit, sampled } = this.options;
    const vectors = new VectorSet(module, pages.length);
    const indexer = new Indexer(module, pages.length, tableLimit);
    indexer.onVectors = (chunk) => vectors.add(chunk);
    const tasks = planIndex(blocks, 0, sampled);
    const context = { size: 0, indexer, blocks, zeroKeys: new Uint8Array(), onZeros: () => {} };
    await indexTasks(() => tasks.shift(), context);
    return sampleOf({ pages, zeroPages, vectors: await vectors.take(breathe) }, sampled, popular);
  }
}
