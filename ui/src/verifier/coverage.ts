// Rows of one stream side by side: is the chain whole, and is every moment footage or a signed gap? Pure.

import { type Bytes, equal, isZero } from "./bytes";
import { MANIFEST, type Manifest } from "./manifest";
import { HOLE_MS, type LogRecord } from "./records";
import type { Stretch } from "./report";
import { type Said, said } from "./said";

/** A record, its index in the station log, and its leaf hash. */
export interface Row {
  readonly index: bigint;
  readonly record: LogRecord;
  readonly leaf: Bytes;
  /** First millisecond of the segment or gap, and the first after it; null for an open gap. */
  readonly start: number;
  readonly end: number | null;
}

export function rowOf(index: bigint, record: LogRecord, leaf: Bytes): Row {
  const [start, end] = record.type === 1 ? [record.start_ms, record.start_ms + record.duration_ms] : [record.from_ms, record.to_ms];
  return { index, record, leaf, start, end };
}

/** Where rows, in log order, are not one unbroken run of the clip's stream. */
export function* brokenChain(clip: Manifest, rows: readonly Row[]): Generator<Said> {
  for (const { index, record } of rows) {
    const ours = (["election", "station", "camera", "stream"] as const).every((name) => record[name] === clip[name]);
    if (!ours) yield said("row {index} is of another stream than {name} says", { index, name: MANIFEST });
    if ((record.seq === 0) !== isZero(record.prev)) {
      yield said("row {index}: the first row of a stream, and no other, follows none", { index });
    }
  }
  for (const [a, b] of pairs(rows)) {
    const [seq, next] = [a.record.seq, b.record.seq];
    if (next !== seq + 1) yield said("after seq {seq} comes {next}", { seq, next });
    else if (!equal(b.record.prev, a.leaf)) yield said("seq {next} follows another row than the seq {seq} shown here", { seq, next });
    if (a.end === null && !closes(b, a)) yield said("the open gap seq {seq} is not closed by the next row", { seq });
  }
}

/** Time without footage: silent holes between neighbours or at the clip's ends, and signed gaps inside it. */
export function stretches(clip: Manifest, rows: readonly Row[]): Stretch[] {
  const told = rows.filter((row, i) => !rows[i + 1] || !closes(rows[i + 1]!, row));
  const silent = [...holes(told), ...edges(clip, told)].filter(({ from, to }) => isInside(clip, from, to));
  return [...silent.map((hole) => ({ ...hole, cause: null })), ...gaps(clip, told)].sort((a, b) => a.from - b.from);
}

/** Whether some of the row lies inside the clip's interval. */
export function touches(row: Row, clip: Manifest): boolean {
  return isInside(clip, row.start, row.end ?? clip.to);
}

function isInside(clip: Manifest, start: number, end: number): boolean {
  const [low, high] = [Math.min(start, end), Math.max(start, end)];
  return low < high && low < clip.to && high > clip.from;
}

interface Hole {
  readonly from: number;
  readonly to: number;
}

/** Whether a row tells the open gap before it again, with its end. */
export function closes(after: Row, row: Row): boolean {
  const [open, told] = [row.record, after.record];
  if (open.type !== 4 || told.type !== 4 || row.end !== null) return false;
  return row.start === after.start && open.cause === told.cause;
}

function* holes(told: readonly Row[]): Generator<Hole> {
  for (const [a, b] of pairs(told)) {
    if (a.end !== null && Math.abs(b.start - a.end) > HOLE_MS) yield { from: a.end, to: b.start };
  }
}

function* edges(clip: Manifest, told: readonly Row[]): Generator<Hole> {
  let [first, last] = told.length ? [Infinity, -Infinity] : [clip.to, clip.to];
  for (const row of told) [first, last] = [Math.min(first, row.start), Math.max(last, row.end ?? clip.to)];
  if (first - clip.from > HOLE_MS) yield { from: clip.from, to: Math.min(first, clip.to) };
  if (clip.to - last > HOLE_MS) yield { from: Math.max(last, clip.from), to: clip.to };
}

function* gaps(clip: Manifest, told: readonly Row[]): Generator<Stretch> {
  for (const row of told) {
    if (row.record.type === 4 && touches(row, clip)) yield { from: row.start, to: row.end, cause: row.record.cause };
  }
}

function* pairs<T>(items: readonly T[]): Generator<readonly [T, T]> {
  for (let i = 1; i < items.length; i += 1) yield [items[i - 1]!, items[i]!];
}
