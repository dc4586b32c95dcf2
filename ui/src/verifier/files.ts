// The files of a clip or package, read one at a time, and how far that is.

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, toHex } from "./bytes";
import type { StoredZip } from "./container";
import type { Engine } from "./engine";
import { MAX_SEGMENT } from "./rules";
import { digest } from "./tree";

/** Longer bytes are hashed by the engine, beside the page; shorter ones are done before it would answer. */
const SMALL = 16 << 10;
const PIECE = 4 << 20;

export interface Watch {
  /** Called with the bytes read so far. */
  readonly progress: (done: number) => void;
  readonly signal: AbortSignal | null;
}

export interface Read {
  readonly data: Bytes;
  readonly sha256: Bytes;
}

/** Everything that reads the container; what was read is counted. */
export class Container {
  #done = 0;

  constructor(readonly zip: StoredZip, readonly engine: Engine, private readonly watch: Watch) {}

  async read(name: string): Promise<Read> {
    this.watch.signal?.throwIfAborted();
    const data = await this.zip.read(name);
    const hash = data.length < SMALL ? digest(data) : await this.engine.sha256(data);
    this.watch.progress((this.#done += data.length));
    return { data, sha256: hash };
  }

  /** The hash of a file of any size. */
  async sha256(name: string): Promise<Bytes> {
    const size = this.zip.sizes.get(name)!;
    if (size <= MAX_SEGMENT) return (await this.read(name)).sha256;
    const whole = sha256.create();
    for (let from = 0; from < size; from += PIECE) {
      this.watch.signal?.throwIfAborted();
      const data = await this.zip.piece(name, from, Math.min(PIECE, size - from));
      whole.update(data);
      this.watch.progress((this.#done += data.length));
    }
    return whole.digest() as Bytes;
  }
}

/** A clip's files, in a folder of the container or at its top; SHA-256 of what was read is kept for a package. */
export class Files {
  readonly sizes = new Map<string, number>();
  readonly used = new Set<string>();
  readonly digests = new Map<string, string>();

  constructor(private readonly container: Container, private readonly folder = "") {
    for (const [name, size] of container.zip.sizes) if (name.startsWith(folder)) this.sizes.set(name.slice(folder.length), size);
  }

  /** The file, or null where it is missing or longer than it may be. */
  async read(name: string, limit: number): Promise<Read | null> {
    this.used.add(name);
    const size = this.sizes.get(name);
    if (size === undefined || size > limit) return null;
    const read = await this.container.read(this.folder + name);
    this.digests.set(name, toHex(read.sha256));
    return read;
  }
}

/** The results in order, with a few at work at a time: one is read while another is hashed. */
export async function* inOrder<T, R>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<R>): AsyncGenerator<readonly [T, R]> {
  const running: (readonly [T, Promise<R>])[] = [];
  for (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // told when its turn comes
    running.push([item, result]);
    if (running.length < atOnce) continue;
    const [first, done] = running.shift()!;
    yield [first, await done];
  }
  for (const [item, done] of running) yield [item, await done];
}
