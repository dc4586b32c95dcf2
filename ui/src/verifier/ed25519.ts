// Strict Ed25519 (RFC 8032): one signature, one answer, in every verifier.
//
// Browsers and libraries disagree about keys of small order, other encodings of a point, and keys with a component of
// small order: some accept a signature that nobody made. So a key must be canonical and in the prime-order group, R
// must be canonical and not of small order, and S must be below the group's order, before anyone else is asked.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal, littleEndian, toHex } from "./bytes";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const Y8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, Y8, P - Y8]);
const Point = ed25519.Point;
const judged = new Map<string, boolean>();

/** Whether these bytes are a key that may be trusted: 32, canonical, on the curve, of prime order. */
export function isPublicKey(key: Uint8Array): boolean {
  const name = toHex(key);
  const known = judged.get(name);
  if (known !== undefined) return known;
  const sound = key.length === 32 && isPrimeOrder(key);
  judged.set(name, sound);
  return sound;
}

function isPrimeOrder(key: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(key, false);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

/** Whether key and signature are of the one form that may be asked about at all. */
export function isSound(key: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && isCanonical(signature) && isPublicKey(key);
}

function isCanonical(signature: Uint8Array): boolean {
  const y = littleEndian(signature.subarray(0, 32)) & (2n ** 255n - 1n);
  return y < P && !SMALL_ORDER_Y.has(y) && littleEndian(signature.subarray(32)) < L;
}

/** RFC 8032 §5.1.7 without the cofactor, comparing the encoding of R, as libsodium and BoringSSL do. For sound input. */
export function verifyPlainly(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const [r, s] = [signature.subarray(0, 32), littleEndian(signature.subarray(32))];
  const k = littleEndian(sha512(concat(r, key, message)) as Bytes) % L;
  const expected = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(key, false).multiplyUnsafe(k));
  return equal(expected.toBytes(), r);
}
