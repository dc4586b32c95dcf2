// The times inside a segment: `tfdt` of each fragment (ISO/IEC 14496-12 §8.8.12). Reads nothing else.

import type { Bytes } from "./bytes";
import { fault } from "./said";

const TICKS_PER_MS = 90n;
const MAX_BOXES = 4096;

/** When each `moof` of a segment begins, in UTC milliseconds. */
export function fragmentTimes(segment: Bytes): number[] {
  return boxes(segment).filter(({ kind }) => kind === "moof").map(({ body }) => timeOf(body));
}

function timeOf(moof: Bytes): number {
  const times = boxes(moof)
    .filter(({ kind }) => kind === "traf")
    .flatMap(({ body }) => boxes(body).filter(({ kind }) => kind === "tfdt"));
  const [only] = times;
  const size = only && ({ 0: 8, 1: 12 } as Record<number, number>)[only.body[0] ?? -1];
  if (times.length !== 1 || !only || only.body.length !== size) throw fault("a fragment without one readable decode time");
  const data = new DataView(only.body.buffer, only.body.byteOffset, only.body.length);
  const ticks = size === 12 ? data.getBigUint64(4) : BigInt(data.getUint32(4));
  return Number(ticks / TICKS_PER_MS);
}

function boxes(data: Bytes): { kind: string; body: Bytes }[] {
  const found: { kind: string; body: Bytes }[] = [];
  let rest = data;
  while (rest.length) {
    const [size, header] = sizeOf(rest);
    if (!(header <= size && size <= rest.length)) throw fault("a box that is cut off");
    found.push({ kind: String.fromCharCode(...rest.subarray(4, 8)), body: rest.subarray(header, size) });
    rest = rest.subarray(size);
    if (found.length === MAX_BOXES) throw fault("more than {most} boxes", { most: MAX_BOXES });
  }
  return found;
}

function sizeOf(data: Bytes): [size: number, header: number] {
  if (data.length < 8) return [0, 8];
  const head = new DataView(data.buffer, data.byteOffset, data.length);
  const size = head.getUint32(0);
  if (size !== 1) return [size, 8];
  return data.length < 16 ? [0, 16] : [Number(head.getBigUint64(8)), 16];
}
