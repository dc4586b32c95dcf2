// Merkle tree hashes and inclusion proofs of RFC 6962 §2.1 and RFC 9162 §2.1.3.2 over SHA-256.

import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal } from "./bytes";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function leafHash(entry: Uint8Array): Bytes {
  return digest(concat(LEAF, entry));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return digest(concat(NODE, left, right));
}

/** SHA-256 of little; long bytes go to the engine, which is faster and does not hold up the page. */
export function digest(data: Uint8Array): Bytes {
  return sha256(data) as Bytes;
}

export function verifyInclusion(leaf: Bytes, index: bigint, size: bigint, proof: readonly Bytes[], root: Bytes): boolean {
  if (index >= size) return false;
  let [fn, sn, result] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      result = nodeHash(sibling, result);
      while (fn && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      result = nodeHash(result, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && equal(result, root);
}
