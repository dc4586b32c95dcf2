// Stored zip files, read so strictly that every unzip tool must see the same files as we do (APPNOTE.TXT §4.3).
//
// Every byte belongs to exactly one thing: entries one behind another from byte 0, then the directory, then its end.
// Read piece by piece: a file of gigabytes never lies in memory.

import { type Bytes, concat, equal } from "./bytes";
import { fault, quoted } from "./said";

const MAX_DIRECTORY = 16 << 20;
const END = 22;
const CENTRAL = 46;
/** What both headers of an entry say: version, flags, method, time, date, CRC, two sizes, lengths of name and extra. */
const FACTS = 26;
const BLOCK = 1 << 18;

interface Entry {
  readonly name: string;
  readonly head: Bytes;
  readonly offset: number;
  readonly size: number;
}

export class StoredZip {
  /** Sizes by name. */
  readonly sizes = new Map<string, number>();
  readonly #offsets = new Map<string, number>();
  readonly #pieces: Pieces;

  private constructor(file: Blob) {
    this.#pieces = new Pieces(file);
  }

  static async open(file: Blob): Promise<StoredZip> {
    const zip = new StoredZip(file);
    await zip.#readEntries();
    return zip;
  }

  /** The whole file; look at its size first. */
  read(name: string): Promise<Bytes> {
    return this.#pieces.at(this.#offsets.get(name)!, this.sizes.get(name)!);
  }

  piece(name: string, from: number, size: number): Promise<Bytes> {
    return this.#pieces.at(this.#offsets.get(name)! + from, size);
  }

  async #readEntries(): Promise<void> {
    const { start, count, directory } = await readDirectory(this.#pieces);
    let position = 0;
    for (const { name, head, offset, size } of entries(directory)) {
      if (this.sizes.has(name)) throw fault("two files are called {name}", { name: quoted(name) });
      const found = offset === position ? await this.#pieces.at(position, Math.min(head.length, start - position)) : null;
      if (!found || !equal(found, head)) {
        throw fault("{name} does not begin where and as the directory says", { name: quoted(name) });
      }
      position += head.length;
      this.#offsets.set(name, position);
      this.sizes.set(name, size);
      position += size;
    }
    if (position !== start || this.sizes.size !== count) {
      throw fault("the files are not as many or as long as the end of the directory says");
    }
  }
}

async function readDirectory(pieces: Pieces): Promise<{ start: number; count: number; directory: Bytes }> {
  const at = pieces.size - END;
  if (at < 0) throw fault("too short for a zip file");
  const end = view(await pieces.at(at, END));
  const [disk, first, here, count, comment] = [4, 6, 8, 10, 20].map((offset) => end.getUint16(offset, true));
  const [size, start] = [end.getUint32(12, true), end.getUint32(16, true)];
  if (end.getUint32(0) !== 0x504b0506 || comment) throw fault("not a zip file, or cut off, or with bytes behind its end");
  if (disk || first || here !== count || start + size !== at || size > MAX_DIRECTORY) {
    throw fault("the directory does not reach from the last file to the end, or is too long");
  }
  return { start, count: count!, directory: await pieces.at(start, size) };
}

function* entries(directory: Bytes): Generator<Entry> {
  let rest = directory;
  while (rest.length) {
    if (rest.length < CENTRAL) throw fault("a directory that is cut off");
    const central = view(rest);
    const [flags, method, nameSize, extra, comment, disk] = [8, 10, 28, 30, 32, 34].map((at) => central.getUint16(at, true));
    const [packed, size, offset] = [20, 24, 42].map((at) => central.getUint32(at, true));
    const nameBytes = rest.slice(CENTRAL, CENTRAL + nameSize!);
    const plain = nameBytes.every((byte) => byte < 0x80);
    if (central.getUint32(0) !== 0x504b0102 || nameBytes.length !== nameSize || !plain || comment || disk) {
      throw fault("a directory that cannot be read");
    }
    const name = String.fromCharCode(...nameBytes);
    if ((flags !== 0 && flags !== 0x0800) || method || extra || packed !== size) {
      throw fault("{name} is compressed, encrypted, or has more to it than name and bytes", { name: quoted(name) });
    }
    const head = concat([0x50, 0x4b, 3, 4], rest.subarray(6, 6 + FACTS), nameBytes);
    yield { name, head, offset: offset!, size: size! };
    rest = rest.subarray(CENTRAL + nameSize!);
  }
}

/** Reads a file by pieces; what lies close together is fetched in one go. */
class Pieces {
  readonly size: number;
  readonly #file: Blob;
  #from = 0;
  #block: Bytes = new Uint8Array();

  constructor(file: Blob) {
    this.#file = file;
    this.size = file.size;
  }

  async at(offset: number, size: number): Promise<Bytes> {
    if (size < 0 || offset + size > this.size) throw fault("cut off");
    if (size > BLOCK) return this.#load(offset, size);
    if (offset < this.#from || offset + size > this.#from + this.#block.length) {
      const block = await this.#load(offset, Math.min(BLOCK, this.size - offset));
      [this.#from, this.#block] = [offset, block];
      return block.slice(0, size);
    }
    return this.#block.slice(offset - this.#from, offset - this.#from + size);
  }

  async #load(offset: number, size: number): Promise<Bytes> {
    const data = new Uint8Array(await this.#file.slice(offset, offset + size).arrayBuffer());
    if (data.length !== size) throw fault("cut off");
    return data;
  }
}

function view(data: Bytes): DataView {
  return new DataView(data.buffer, data.byteOffset, data.length);
}
