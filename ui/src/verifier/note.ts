// C2SP signed notes, verifier keys and cosignatures (c2sp.org/signed-note, tlog-cosignature), read strictly.

import { type Bytes, bigEndian, concat, fromBase64, fromUtf8, parseDecimal, toBase64, toHex, utf8 } from "./bytes";
import { type Engine, isSoundKey, type Kind } from "./engine";
import { fault } from "./said";
import { digest } from "./tree";

export const ED25519 = 1;
export const COSIGNATURE_ED25519 = 4;
export const ML_DSA_44 = 6;
const KINDS: Readonly<Record<number, Kind>> = { 1: "Ed25519", 4: "Ed25519", 6: "ML-DSA-44" };
const KEY_SIZES: Readonly<Record<number, number>> = { 1: 32, 4: 32, 6: 1312 };
export const MAX_NOTE = 128 << 10;
const MAX_SIGNATURES = 64;
const CONTROL = /[\x00-\x09\x0b-\x1f]/;

/** A public key with its name, written `<name>+<key id>+<base64(type ‖ key)>`. */
export interface VerifierKey {
  readonly name: string;
  readonly public: Bytes;
  readonly type: number;
  readonly id: string;
  readonly text: string;
}

export function verifierKey(name: string, key: Bytes, type = ED25519): VerifierKey {
  if (!isName(name)) throw fault("not a key name: empty, or with a space, a plus or what is no text");
  if (key.length !== KEY_SIZES[type]) throw fault("not a key of a known type and its length");
  if (!isSoundKey(KINDS[type]!, key)) {
    throw fault("not a sound Ed25519 key: not on the curve, not canonical or not of prime order");
  }
  const typed = concat([type], key);
  const id = toHex(digest(concat(utf8(`${name}\n`), typed)).subarray(0, 4));
  return { name, public: key, type, id, text: `${name}+${id}+${toBase64(typed)}` };
}

export function parseKey(text: string): VerifierKey {
  const [name = "", , ...rest] = text.split("+");
  const data = fromBase64(rest.join("+"));
  const key = verifierKey(name, data.slice(1), data[0] ?? 0);
  if (key.text !== text) throw fault("the key id does not belong to this name and key");
  return key;
}

export interface Signature {
  readonly name: string;
  readonly id: string;
  readonly value: Bytes;
}

export interface Note {
  readonly text: string;
  readonly signatures: readonly Signature[];
}

export function parseNote(data: Bytes): Note {
  const whole = fromUtf8(data.subarray(0, MAX_NOTE + 1));
  if (whole === null) throw fault("a note that is not UTF-8");
  const blank = whole.lastIndexOf("\n\n");
  const lines = whole.slice(blank + 2).split("\n");
  if (data.length > MAX_NOTE || blank < 0 || lines.pop() || CONTROL.test(whole)) {
    throw fault("not a note: text, empty line, signature lines, no control characters, at most 128 KiB");
  }
  if (lines.length < 1 || lines.length > MAX_SIGNATURES) throw fault("not 1 to {most} signatures", { most: MAX_SIGNATURES });
  return { text: whole.slice(0, blank + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): Signature {
  const [dash, name = "", encoded = "", ...more] = line.split(" ");
  const data = fromBase64(encoded);
  if (dash !== "\u2014" || data.length < 5 || more.length || !isName(name)) throw fault("not a signature line");
  return { name, id: toHex(data.subarray(0, 4)), value: data.slice(4) };
}

/** A plus, control characters, Unicode's white space, halves of surrogate pairs. */
const NOT_IN_NAMES = /[+\0-\x20\x7f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\p{Surrogate}]/u;

function isName(name: string): boolean {
  return name !== "" && !NOT_IN_NAMES.test(name);
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
}

export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const last = lines.pop();
  if (lines.length < 3 || lines.includes("") || last) throw fault("not a checkpoint: origin, size, root, no empty line");
  return { origin: lines[0]!, size: parseDecimal(lines[1]!), root: fromBase64(lines[2]!, 32) };
}

/** Those of the keys that signed, with the POSIX second each gave; 0 where it gave none. Others are ignored. */
export async function signers(note: Note, keys: Iterable<VerifierKey>, engine: Engine): Promise<Map<VerifierKey, bigint>> {
  const known = new Map([...keys].map((key) => [`${key.name} ${key.id}`, key]));
  const named = note.signatures.map((line) => [line, known.get(`${line.name} ${line.id}`)] as const);
  const checks = await Promise.all(named.map(([line, key]) => key && signedAt(key, note.text, line.value, engine)));
  const found = new Map<VerifierKey, bigint>();
  for (const [i, [, key]] of named.entries()) {
    if (!key) continue;
    if (found.has(key)) throw fault("two signatures of {name}", { name: key.name });
    const time = checks[i];
    if (typeof time !== "bigint") throw fault("the signature of {name} does not belong to this text", { name: key.name });
    found.set(key, time);
  }
  return found;
}

async function signedAt(key: VerifierKey, text: string, value: Bytes, engine: Engine): Promise<bigint | null> {
  const cosigned = key.type !== ED25519;
  const time = cosigned ? [...value.subarray(0, 8)].reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) : 0n;
  const message = cosigned ? cosignMessage(key, text, time) : utf8(text);
  const signature = cosigned ? value.slice(8) : value;
  return (await engine.verify(KINDS[key.type]!, key.public, message, signature)) ? time : null;
}

/** The bytes that a cosigner signs, by the type of its key: `cosignature/v1`, or `subtree/v1` for ML-DSA-44. */
export function cosignMessage(key: VerifierKey, text: string, time: bigint): Bytes {
  const { origin, size, root } = parseCheckpoint(text);
  if (key.type === COSIGNATURE_ED25519) return utf8(`cosignature/v1\ntime ${time}\n${text}`);
  const [name, log] = [utf8(key.name), utf8(origin)];
  if (key.type !== ML_DSA_44 || Math.max(name.length, log.length) > 255) {
    throw fault("not a key that cosigns, or a name of more than 255 bytes");
  }
  const label = utf8("subtree/v1\n\0");
  return concat(label, [name.length], name, bigEndian(time, 8), [log.length], log, new Uint8Array(8), bigEndian(size, 8), root);
}

/** The checkpoint of a note and the first of the trusted keys that signed it; null where none did. */
export async function openCheckpoint(
  data: Bytes, keys: readonly VerifierKey[], engine: Engine,
): Promise<readonly [Checkpoint, VerifierKey] | null> {
  const note = parseNote(data);
  const found = await signers(note, keys.filter((key) => key.type !== COSIGNATURE_ED25519), engine);
  const [key] = found.keys();
  if (!key) return null;
  const checkpoint = parseCheckpoint(note.text);
  if (key.name !== checkpoint.origin) {
    throw fault("a checkpoint of {origin} signed by the key of {name}", { origin: checkpoint.origin, name: key.name });
  }
  return [checkpoint, key];
}
