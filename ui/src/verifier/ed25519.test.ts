// Ed25519 where libraries disagree: every doubtful key and signature is refused, by both engines alike.
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, concat, fromHex, littleEndian, utf8 } from "./bytes";
import { isPublicKey } from "./ed25519";
import { Engine, isSoundKey } from "./engine";

const Point = ed25519.Point;
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const ORDER_8 = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
const TORSION = [1n, 2n, 3n, 4n, 5n, 6n, 7n].map((n) => ORDER_8.multiplyUnsafe(n));
const engines = Promise.all([Engine.best(), Engine.bundled()]);
const bytes = (value: Uint8Array): Bytes => new Uint8Array(value);
const little = (value: bigint): Bytes => fromHex(value.toString(16).padStart(64, "0")).reverse();
const IDENTITY = little(1n);
const SMALL = [
  ...[Point.ZERO, ...TORSION].map((point) => bytes(point.toBytes())),
  ...[P, P + 1n].map(little),
  ...[1n, P - 1n, P, P + 1n].map((y) => little(y | (1n << 255n))),
];

async function verdicts(key: Bytes, message: Bytes, signature: Bytes): Promise<boolean[]> {
  return Promise.all((await engines).map((engine) => engine.verify("Ed25519", key, message, signature)));
}

function challenge(r: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  return littleEndian(sha512(concat(r, key, message))) % L;
}

test("the signature that nobody made is refused", async () => {
  const forged = concat(IDENTITY, new Uint8Array(32));
  assert.equal(ed25519.verify(forged, utf8("any message"), IDENTITY), true); // without our checks
  assert.deepEqual(await verdicts(IDENTITY, utf8("any message"), forged), [false, false]);
});

test("keys of small order are refused in every encoding", () => {
  for (const key of SMALL) assert.ok(!isPublicKey(key));
});

test("keys with a part of small order are refused", async () => {
  const [secret, nonce] = [123_456_789n, 987_654_321n];
  for (const torsion of TORSION) {
    const key = bytes(Point.BASE.multiply(secret).add(torsion).toBytes());
    const r = Point.BASE.multiply(nonce).toBytes();
    const s = (nonce + challenge(r, key, utf8("m")) * secret) % L;
    assert.ok(!isSoundKey("Ed25519", key));
    assert.deepEqual(await verdicts(key, utf8("m"), concat(r, little(s))), [false, false]);
  }
});

test("R of small order, or with a part of it, is refused", async () => {
  const [secret, nonce] = [123_456_789n, 987_654_321n];
  const key = bytes(Point.BASE.multiply(secret).toBytes());
  for (const r of SMALL) {
    const s = (challenge(r, key, utf8("m")) * secret) % L;
    assert.deepEqual(await verdicts(key, utf8("m"), concat(r, little(s))), [false, false]);
  }
  for (const torsion of TORSION) {
    const r = Point.BASE.multiply(nonce).add(torsion).toBytes();
    const s = (nonce + challenge(r, key, utf8("m")) * secret) % L;
    assert.deepEqual(await verdicts(key, utf8("m"), concat(r, little(s))), [false, false]);
  }
});

test("a larger S, other sizes and any changed bit are refused", async () => {
  const secret = new Uint8Array(32).fill(7);
  const [key, message] = [bytes(ed25519.getPublicKey(secret)), utf8("message")];
  const signature = bytes(ed25519.sign(message, secret));
  const larger = concat(signature.subarray(0, 32), little(littleEndian(signature.subarray(32)) + L));
  assert.deepEqual(await verdicts(key, message, signature), [true, true]);
  for (const bad of [larger, signature.slice(1), concat(signature, [0]), new Uint8Array()]) {
    assert.deepEqual(await verdicts(key, message, bad), [false, false]);
  }
  for (let bit = 0; bit < 512; bit += 1) {
    const changed = signature.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.deepEqual(await verdicts(key, message, changed), [false, false], `bit ${bit}`);
  }
});

test("points that are not on the curve, and other lengths, are no keys", () => {
  for (const size of [0, 31, 33]) assert.ok(!isPublicKey(new Uint8Array(size)));
  assert.ok(!isPublicKey(little(2n)));
  for (const size of [0, 33, 64, 65, 66]) assert.ok(!isSoundKey("P-256", new Uint8Array(size).fill(4)));
});
