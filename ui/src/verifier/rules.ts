// What each item of a leaf must be, by the type of the leaf: the tables of docs/reference/formats.md.

import type { Item } from "./cbor";
import { isSoundKey } from "./engine";
import { type Sentence, said } from "./said";

export const MAX_SEGMENT = 64 * 2 ** 20;
const MAX_DURATION_MS = 60_000;
export const MAX_MS = 2 ** 47 - 1;
const ALL_FLAGS = 31;
const MAX_LIST = 64;
const ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const PLAIN = /^[^\0-\x1f\x7f-\x9f\u2028\u2029\p{Surrogate}]{1,256}$/u;
export const CAUSES: readonly string[] = [
  "no_connect", "no_rtp", "rtp_loss", "no_idr", "disk_full", "restart", "clock_step", "operator", "off_duty",
];

export interface Rule {
  readonly words: Sentence;
  readonly holds: (value: Item) => boolean;
}

export function isId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

export function isStream(value: unknown): value is string {
  return value === "main" || value === "sub";
}

function rule(words: string, holds: (value: Item) => boolean): Rule {
  return { words: said(words), holds };
}

function integer(low: number, high: number): Rule {
  const holds = (value: Item): boolean => typeof value === "bigint" && value >= low && value <= high;
  return { words: said("an integer from {low} to {high}", { low, high }), holds };
}

function octets(low: number, high = low): Rule {
  const holds = (value: Item): boolean => value instanceof Uint8Array && value.length >= low && value.length <= high;
  return { words: said("{low} to {high} bytes", { low, high }), holds };
}

function orNull({ words, holds }: Rule): Rule {
  return { words: said("{rule}, or null", { rule: words }), holds: (value) => value === null || holds(value) };
}

function isRole(value: Item): value is string {
  return typeof value === "string" && value.split("/").length === 2 && value.split("/").every(isId);
}

function isHash(value: Item): boolean {
  return value instanceof Uint8Array && value.length === 32;
}

function isApproval(value: Item): value is [string, Uint8Array<ArrayBuffer>] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [name, signature] = value as [Item, Item];
  return isRole(name) && signature instanceof Uint8Array && signature.length === 64;
}

function areApprovals(value: Item): boolean {
  if (!Array.isArray(value) || value.length < 2 || value.length > MAX_LIST || !value.every(isApproval)) return false;
  const names = value.map(([name]) => name as string);
  const roles = new Set(names.map((name) => name.split("/")[0]));
  return roles.size === names.length && names.every((name, i) => i === 0 || names[i - 1]! <= name);
}

const id = rule("an identifier of a-z, 0-9 and inner -", isId);
const role = rule("role/post", isRole);
const text = rule("1 to 256 characters in one line", (value) => typeof value === "string" && PLAIN.test(value));
const stream = rule("main or sub", isStream);
const cause = rule("one of the causes", (value) => typeof value === "string" && CAUSES.includes(value));
const number = integer(0, Number.MAX_SAFE_INTEGER);
const time = integer(0, MAX_MS);
const hash = octets(32);
const sessionKey = rule("a sound Ed25519 key", (value) => value instanceof Uint8Array && isSoundKey("Ed25519", value));
const identity = rule("an uncompressed point of P-256", (value) => value instanceof Uint8Array && isSoundKey("P-256", value));
const approvals = rule("2 or more of [role/post, 64 bytes], names sorted, of different roles", areApprovals);
const hashes: Rule = {
  words: said("1 to 64 hashes"),
  holds: (value) => Array.isArray(value) && value.length >= 1 && value.length <= MAX_LIST && value.every(isHash),
};

export type Table = Readonly<Record<string, Rule>>;

const row = { election: id, station: id, camera: id, stream, seq: number };
const beacon = { beacon_size: number, beacon_hash16: octets(16) };
const station = { election: id, station: id };
const valid = { not_before_ms: time, not_after_ms: time };
const officer = { election: id, at_ms: time, role };

export const SEGMENT: Table = {
  ...row, start_ms: integer(0, MAX_MS - MAX_DURATION_MS), duration_ms: integer(1, MAX_DURATION_MS),
  size: integer(1, MAX_SEGMENT), sha256: hash, init_sha256: hash, prev: hash, ...beacon, flags: integer(0, ALL_FLAGS),
};
export const GAP: Table = {
  ...row, from_ms: time, to_ms: orNull(time), cause, detail_hash: hash, prev: hash, ...beacon,
};

/** Types of the national log's leaves. */
export enum Kind {
  ENROLMENT = 2,
  DELEGATION = 3,
  STATION_CHECKPOINT = 5,
  ABSENCE = 6,
  DERIVATION = 7,
  OPERATOR_ACTION = 8,
  PURGE = 9,
  CHALLENGE = 10,
  REVOCATION = 11,
  CLOSE = 12,
}

export const NATIONAL: Readonly<Record<Kind, Table>> = {
  [Kind.ENROLMENT]: { ...station, identity, ...valid, facts_hash: hash, approvals, certificate: octets(1, 4096) },
  [Kind.DELEGATION]: { ...station, session_key: sessionKey, ...valid, enrolment: hash, signature: octets(64) },
  [Kind.STATION_CHECKPOINT]: { ...station, note: octets(1, 4096) },
  [Kind.ABSENCE]: { ...station, seq: number, from_ms: time, to_ms: orNull(time), held_size: number, held_root: hash },
  [Kind.DERIVATION]: { election: id, kind: text, derived: hash, inputs: hashes, code: text, parameters: hash },
  [Kind.OPERATOR_ACTION]: { ...officer, action: text, subject: text, detail_hash: hash },
  [Kind.PURGE]: { ...officer, what: text, count: number, list_hash: hash, reason: text },
  [Kind.CHALLENGE]: {
    ...station, camera: id, from_ms: time, ...beacon, challenge: octets(8), response: orNull(octets(8)),
    wrong_bits: integer(0, 64),
  },
  [Kind.REVOCATION]: { ...station, revoked: hash, at_ms: time, reason: text, approvals },
  [Kind.CLOSE]: { ...station, at_ms: time, size: number, root: hash },
};
