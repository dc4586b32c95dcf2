// The leaves of both logs, read so strictly that one fact has one hash: rows of a station log, leaves of the national.

import { type Bytes, concat, equal, toHex, utf8 } from "./bytes";
import { decode, type Item } from "./cbor";
import type { Engine } from "./engine";
import { GAP, Kind, NATIONAL, SEGMENT, type Table } from "./rules";
import { fault } from "./said";
import { leafHash } from "./tree";

export { Kind } from "./rules";
export const HOLE_MS = 500;
export const MAX_RECORD = 512;
export const MAX_LEAF = 8 << 10;
const DEPTH = 4;

interface Common {
  readonly election: string;
  readonly station: string;
  readonly camera: string;
  readonly stream: string;
  readonly seq: number;
  readonly prev: Bytes;
  readonly beacon_size: number;
  readonly beacon_hash16: Bytes;
}

export interface SegmentRecord extends Common {
  readonly type: 1;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly size: number;
  readonly sha256: Bytes;
  readonly init_sha256: Bytes;
  readonly flags: number;
}

export interface GapRecord extends Common {
  readonly type: 4;
  readonly from_ms: number;
  /** Null while it is open. Only a `clock_step` may end before it starts. */
  readonly to_ms: number | null;
  readonly cause: string;
}

export type LogRecord = SegmentRecord | GapRecord;

/** A leaf of the national log: its items by name, numbers as numbers. */
export interface Leaf {
  readonly kind: Kind;
  readonly values: Values;
  readonly hash: Bytes;
  /** The CBOR of its first items, as an array of their own: what its signatures are over, behind their domain. */
  readonly signedPart: Bytes;
}

type Value = number | string | Bytes | null | boolean | object;
type Values = { readonly [name: string]: Value };

export function decodeRecord(data: Bytes): LogRecord {
  const { items, canonical } = load(data, MAX_RECORD);
  const record = recordOf(items);
  if (!canonical) throw fault("not the canonical encoding");
  return record;
}

function recordOf(items: readonly Item[]): LogRecord {
  const [type, ...values] = items;
  if (type === 1n && values.length === Object.keys(SEGMENT).length) {
    return { type: 1, ...checked(SEGMENT, values) } as unknown as SegmentRecord;
  }
  if (type !== 4n || values.length !== Object.keys(GAP).length) {
    throw fault("not a known type of leaf with its number of items");
  }
  const gap = { type: 4, ...checked(GAP, values) } as unknown as GapRecord;
  if (gap.to_ms !== null && gap.to_ms < gap.from_ms && gap.cause !== "clock_step") throw fault("to_ms is before from_ms");
  return gap;
}

const SIGNED: Readonly<Partial<Record<Kind, readonly [domain: string, until: string]>>> = {
  [Kind.ENROLMENT]: ["aigaq/enrolment/v1\n", "approvals"],
  [Kind.DELEGATION]: ["aigaq/delegation/v1\n", "signature"],
  [Kind.REVOCATION]: ["aigaq/revocation/v1\n", "approvals"],
};

export function decodeLeaf(data: Bytes): Leaf {
  const { items, starts, canonical } = load(data, MAX_LEAF);
  const kind = Number(items[0]) as Kind;
  const table = typeof items[0] === "bigint" && kind in NATIONAL ? NATIONAL[kind] : {};
  const names = Object.keys(table);
  if (!names.length || items.length !== 1 + names.length) throw fault("not a known type of leaf with its number of items");
  const values = checked(table, items.slice(1));
  for (const [first, last] of [["not_before_ms", "not_after_ms"], ["from_ms", "to_ms"]] as const) {
    if (typeof values[last] === "number" && values[last] < (values[first] as number)) throw fault("{last} is before {first}", { first, last });
  }
  if (!canonical) throw fault("not the canonical encoding");
  return { kind, values, hash: leafHash(data), signedPart: signedPart(kind, names, starts, data) };
}

/** The items before the signatures keep their bytes; only the count in front of them is another (RFC 8949 §3.1). */
function signedPart(kind: Kind, names: readonly string[], starts: readonly number[], data: Bytes): Bytes {
  const [domain, until] = SIGNED[kind] ?? [];
  if (!domain || !until) return new Uint8Array();
  const count = 1 + names.indexOf(until);
  return concat(utf8(domain), [0x80 | count], data.subarray(1, starts[count]));
}

/** Whether the enrolled identity key of that very station delegated the session key. */
export async function verifyDelegation(delegation: Leaf, enrolment: Leaf, engine: Engine): Promise<boolean> {
  const [given, held] = [delegation.values, enrolment.values];
  if (given["election"] !== held["election"] || given["station"] !== held["station"]) return false;
  if (!equal(given["enrolment"] as Bytes, enrolment.hash)) return false;
  return engine.verify("P-256", held["identity"] as Bytes, delegation.signedPart, given["signature"] as Bytes);
}

function load(data: Bytes, limit: number): { items: readonly Item[]; starts: readonly number[]; canonical: boolean } {
  const decoded = data.length <= limit ? decode(data, DEPTH) : null;
  if (!decoded || !Array.isArray(decoded.item)) throw fault("not an array of at most {limit} bytes", { limit });
  return { items: decoded.item as readonly Item[], starts: decoded.starts, canonical: decoded.canonical };
}

function checked(table: Table, items: readonly Item[]): Values {
  const values: [string, Value][] = Object.entries(table).map(([name, rule], i) => {
    const item = items[i]!;
    if (!rule.holds(item)) throw fault("{name} is not {rule}", { name, rule: rule.words });
    return [name, typeof item === "bigint" ? Number(item) : item];
  });
  return Object.fromEntries(values);
}

/** Where a clip keeps a segment. */
export function segmentFile(record: SegmentRecord): string {
  return `segments/${record.start_ms}-${record.seq}-${toHex(record.sha256).slice(0, 16)}.m4s`;
}
