// C2SP proofs (c2sp.org/tlog-proof v1): that an entry stands in a log, in one text file that needs no network.

import { type Bytes, equal, fromBase64, fromUtf8, parseDecimal, toBase64, utf8 } from "./bytes";
import { MAX_NOTE } from "./note";
import { fault } from "./said";

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_HASHES = 63;
export const MAX_PROOF = MAX_NOTE + (16 << 10);

/** A proof with the line `extra` is refused: what nobody has signed does not belong into evidence. */
export interface Proof {
  readonly index: bigint;
  readonly hashes: readonly Bytes[];
  /** The signed checkpoint as it was issued. */
  readonly note: Bytes;
}

export function parseProof(data: Bytes): Proof {
  const end = blankLine(data);
  const head = end < 0 || data.length > MAX_PROOF ? null : fromUtf8(data.slice(0, end));
  if (head === null || /[^\0-\x7f]/.test(head)) throw fault("not a tlog-proof: header, index, hashes, empty line, checkpoint");
  const [header, ...lines] = head.split("\n");
  if (header !== HEADER || !lines[0]?.startsWith("index ") || lines.length > MAX_HASHES + 1) {
    throw fault("not a tlog-proof: header, index and up to 63 hashes");
  }
  const index = parseDecimal(lines[0].slice(6));
  const hashes = lines.slice(1).map((line) => fromBase64(line, 32));
  if (!equal(utf8(encodedHead(index, hashes)), data.subarray(0, end))) {
    throw fault("not the canonical form of a tlog-proof");
  }
  return { index, hashes, note: data.slice(end + 2) };
}

function encodedHead(index: bigint, hashes: readonly Bytes[]): string {
  return [HEADER, `index ${index}`, ...hashes.map(toBase64)].join("\n");
}

function blankLine(data: Bytes): number {
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) if (data[at + 1] === 10) return at;
  return -1;
}
