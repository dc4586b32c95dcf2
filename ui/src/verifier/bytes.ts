// Bytes and the texts that stand for them. Every text form is read in its one canonical spelling only.

import { fault } from "./said";

export type Bytes = Uint8Array<ArrayBuffer>;

const ENCODER = new TextEncoder();

export function utf8(text: string): Bytes {
  return ENCODER.encode(text);
}

/** Strict UTF-8, a byte order mark kept; null where it is not. */
export function fromUtf8(data: Bytes): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}

export function concat(...parts: readonly ArrayLike<number>[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function isZero(data: Uint8Array): boolean {
  return data.every((byte) => byte === 0);
}

export function toHex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += byte.toString(16).padStart(2, "0");
  return text;
}

export function fromHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Standard base64 of RFC 4648 §4. */
export function toBase64(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += 0x2000) text += String.fromCharCode(...data.subarray(at, at + 0x2000));
  return btoa(text);
}

/** Standard base64 in its one canonical form; loose trailing bits are refused (RFC 4648 §3.5). */
export function fromBase64(text: string, size?: number): Bytes {
  const [whole, digits = "", padding = ""] = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text) ?? [];
  const missing = -digits.length & 3;
  if (whole === undefined || missing === 3 || padding.length < missing) throw fault("not base64");
  const data = Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
  if (toBase64(data) !== text || (size !== undefined && data.length !== size)) {
    throw fault("not canonical base64 of the right length");
  }
  return data;
}

const MAX_DECIMAL = 2n ** 63n;

/** A decimal integer below 2^63 without leading zeroes. */
export function parseDecimal(text: string): bigint {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) >= MAX_DECIMAL) throw fault("not a decimal integer below 2^63");
  return BigInt(text);
}

export function bigEndian(value: bigint, size: number): Bytes {
  const data = new Uint8Array(size);
  for (let i = size - 1, rest = value; i >= 0; i -= 1, rest >>= 8n) data[i] = Number(rest & 0xffn);
  return data;
}

export function littleEndian(data: Uint8Array): bigint {
  return BigInt(`0x${toHex(data.slice().reverse()) || "0"}`);
}
