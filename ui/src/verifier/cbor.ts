// The part of CBOR that records and leaves are made of (RFC 8949 §4.2.1, core deterministic encoding).

import { bigEndian, type Bytes, concat, fromUtf8, utf8 } from "./bytes";
import { fault } from "./said";

export type Item = bigint | string | Bytes | boolean | null | Other | readonly Item[];

/** A float, tag, map or other value that no format of ours has; every check of a field refuses it. */
export class Other {}

export interface Decoded {
  readonly item: Item;
  /** Where each item of the outermost array begins. */
  readonly starts: readonly number[];
  /** Whether a writer of the deterministic encoding would have written exactly these bytes. */
  readonly canonical: boolean;
}

const NOT_CBOR = "not CBOR";
const SIMPLE: Readonly<Record<number, Item>> = { 20: false, 21: true, 22: null };

export function decode(data: Bytes, depth: number): Decoded {
  const reader = new Reader(data);
  const item = reader.item(depth);
  return { item, starts: reader.starts, canonical: reader.shortest && reader.at === data.length };
}

class Reader {
  at = 0;
  shortest = true;
  starts: readonly number[] = [];
  readonly #data: Bytes;
  readonly #view: DataView;

  constructor(data: Bytes) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.length);
  }

  item(depth: number): Item {
    const head = this.#take(1)[0]!;
    const [major, info] = [head >> 5, head & 31];
    if (major === 7) return this.#simple(info);
    const value = this.#argument(info);
    switch (major) {
      case 0: return value;
      case 1: return -1n - value;
      case 2: return this.#take(Number(value));
      case 3: return this.#text(Number(value));
      case 4: return this.#array(value, depth);
      default: return this.#other(major, value, depth);
    }
  }

  /** The number behind a head; one that would fit a shorter head is not canonical. */
  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) throw fault(NOT_CBOR); // reserved, or of indefinite length
    const size = 1 << (info - 24);
    const at = this.at;
    this.#take(size);
    const value = size === 8 ? this.#view.getBigUint64(at) : BigInt(this.#small(at, size));
    const least = size === 1 ? 24n : 1n << BigInt(size * 4);
    if (value < least) this.shortest = false;
    return value;
  }

  #small(at: number, size: number): number {
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #text(size: number): string {
    const text = fromUtf8(this.#take(size));
    if (text === null) throw fault(NOT_CBOR);
    return text;
  }

  #array(length: bigint, depth: number): Item {
    if (depth === 0 || length > this.#data.length) throw fault(NOT_CBOR);
    const starts: number[] = [];
    const items = Array.from({ length: Number(length) }, () => {
      starts.push(this.at);
      return this.item(depth - 1);
    });
    this.starts = starts; // the outermost array ends last
    return items;
  }

  #other(major: number, value: bigint, depth: number): Item {
    if (depth === 0 || value > this.#data.length) throw fault(NOT_CBOR);
    const inside = major === 5 ? 2 * Number(value) : 1;
    for (let n = 0; n < inside; n += 1) this.item(depth - 1);
    return new Other();
  }

  #simple(info: number): Item {
    if (info < 24) return SIMPLE[info] ?? (info in SIMPLE ? null : new Other());
    if (info > 27) throw fault(NOT_CBOR);
    this.#take(1 << (info - 24));
    return new Other();
  }

  #take(size: number): Bytes {
    const end = this.at + size;
    if (!(end <= this.#data.length)) throw fault(NOT_CBOR);
    const taken = this.#data.slice(this.at, end);
    this.at = end;
    return taken;
  }
}

/** The deterministic encoding of an array of small counts, texts and byte strings. */
export function encodeArray(items: readonly (number | string | Bytes)[]): Bytes {
  return concat(head(4, items.length), ...items.map(encodeItem));
}

function encodeItem(item: number | string | Bytes): Bytes {
  if (typeof item === "number") return head(0, item);
  const data = typeof item === "string" ? utf8(item) : item;
  return concat(head(typeof item === "string" ? 3 : 2, data.length), data);
}

function head(major: number, value: number): Bytes {
  if (value < 24) return Uint8Array.of((major << 5) | value);
  const size = value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : 4;
  return concat([(major << 5) | (24 + Math.log2(size))], bigEndian(BigInt(value), size));
}
