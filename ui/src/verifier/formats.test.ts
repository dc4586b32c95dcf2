import assert from "node:assert/strict";
import { test } from "node:test";
import cosignatureVectors from "../../../tests/verify/vectors/cosignatures.json";
import ed25519Vectors from "../../../tests/verify/vectors/ed25519.json";
import leafVectors from "../../../tests/verify/vectors/leaves.json";
import noteVectors from "../../../tests/verify/vectors/notes.json";
import p256Vectors from "../../../tests/verify/vectors/p256.json";
import recordVectors from "../../../tests/verify/vectors/records.json";
import { type Bytes, equal, fromBase64, fromHex, parseDecimal, toHex, utf8 } from "./bytes";
import { Engine } from "./engine";
import { parseJson } from "./json";
import { cosignMessage, openCheckpoint, parseKey, parseNote, signers } from "./note";
import { parseProof } from "./proof";
import { decodeLeaf, decodeRecord } from "./records";
import { fault } from "./said";
import { leafHash, verifyInclusion } from "./tree";

for (const { name, record, leaf_hash, fields } of recordVectors.valid) {
  test(`a record is read: ${name}`, () => {
    const found = decodeRecord(fromHex(record)) as unknown as Record<string, unknown>;
    for (const [field, value] of Object.entries(fields)) {
      const item = found[field];
      assert.equal(item instanceof Uint8Array ? toHex(item) : item, value, field);
    }
    assert.equal(toHex(leafHash(fromHex(record))), leaf_hash);
  });
}

for (const { name, record } of recordVectors.invalid) {
  test(`bytes are no record: ${name}`, () => {
    assert.throws(() => decodeRecord(fromHex(record)), /./);
  });
}

const plain = (item: unknown): unknown =>
  item instanceof Uint8Array ? toHex(item) : Array.isArray(item) ? item.map(plain) : item;

for (const { name, leaf, leaf_hash, items, signed_part } of leafVectors.valid) {
  test(`a leaf is read: ${name}`, () => {
    const found = decodeLeaf(fromHex(leaf));
    assert.equal(toHex(found.hash), leaf_hash);
    assert.equal(toHex(found.signedPart), signed_part ?? "");
    for (const [field, value] of Object.entries(items)) {
      assert.deepEqual(plain(found.values[field]), value, field);
    }
  });
}

for (const { name, leaf } of leafVectors.invalid) {
  test(`bytes are no leaf: ${name}`, () => {
    assert.throws(() => decodeLeaf(fromHex(leaf)), /./);
  });
}

test("no bit of a record's form can change unseen", () => {
  const whole = fromHex(recordVectors.valid[0]!.record);
  const hash = leafHash(whole);
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const changed = whole.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.ok(!equal(leafHash(changed), hash));
  }
});

const engines = Promise.all([Engine.best(), Engine.bundled()]);

for (const { name, vkey, note, origin, size, root } of noteVectors.notes) {
  test(`a note is opened: ${name}`, async () => {
    for (const engine of await engines) {
      const [checkpoint, key] = (await openCheckpoint(utf8(note), [parseKey(vkey)], engine))!;
      assert.deepEqual([checkpoint.origin, checkpoint.size, toHex(checkpoint.root), key.text], [origin, BigInt(size), root, vkey]);
      await assert.rejects(openCheckpoint(utf8(note.replace(`\n${size}\n`, `\n${size + 1}\n`)), [parseKey(vkey)], engine), /does not belong/);
    }
  });
}

for (const { name, vkey, record, proof, valid } of noteVectors.proofs) {
  test(`a proof is judged: ${name}`, async () => {
    const [engine] = await engines;
    const found = parseProof(utf8(proof));
    const opened = await openCheckpoint(found.note, [parseKey(vkey)], engine);
    const leaf = leafHash(fromHex(record));
    const included = opened !== null && verifyInclusion(leaf, found.index, opened[0].size, found.hashes, opened[0].root);
    assert.equal(included, valid);
  });
}

test("cosignatures of both kinds are read, and their messages made", async () => {
  const keys = cosignatureVectors.cosignatures.map(({ vkey }) => parseKey(vkey));
  for (const [i, { text, time, message }] of cosignatureVectors.cosignatures.entries()) {
    assert.equal(toHex(cosignMessage(keys[i]!, text, BigInt(time))), message);
  }
  for (const engine of await engines) {
    const found = await signers(parseNote(utf8(cosignatureVectors.note)), keys, engine);
    assert.deepEqual([...found.values()], cosignatureVectors.cosignatures.map(({ time }) => BigInt(time)));
    assert.equal((await openCheckpoint(utf8(cosignatureVectors.note), [parseKey(cosignatureVectors.log)], engine))?.[0].origin, "log.example/vote-26");
  }
});

for (const [kind, { valid, invalid }] of [["Ed25519", ed25519Vectors], ["P-256", p256Vectors]] as const) {
  for (const [expected, each] of [[true, valid], [false, invalid]] as const) {
    test(`signatures of ${kind} that are ${expected ? "true" : "false or doubtful"}`, async () => {
      for (const vector of each) {
        const [key, message, signature] = [vector.public, vector.message, vector.signature].map(fromHex) as [Bytes, Bytes, Bytes];
        for (const engine of await engines) assert.equal(await engine.verify(kind, key, message, signature), expected, vector.name);
      }
    });
  }
}

for (const { kind, name, text } of noteVectors.malformed) {
  test(`a ${kind} is refused: ${name}`, () => {
    assert.throws(() => (kind === "note" ? parseNote(utf8(text)) : parseProof(utf8(text))), /./);
  });
}

test("base64 and numbers have one spelling", () => {
  for (const text of ["AA", "AB==", "A===", "AA==\n", "AA-_", " AA==", "="]) assert.throws(() => fromBase64(text), /base64/);
  for (const text of ["", "01", "+1", "-1", "1 ", "9223372036854775808", "٣"]) assert.throws(() => parseDecimal(text), /decimal/);
  assert.equal(parseDecimal("9223372036854775807"), 2n ** 63n - 1n);
});

test("keys with names that are no names are refused", () => {
  const vkey = noteVectors.notes[0]!.vkey;
  const [name] = vkey.split("+");
  for (const bad of ["", "a b", "a\u00a0b", "a\u2028b", "a\x7f", "\ud800"]) assert.throws(() => parseKey(vkey.replace(name!, bad)), /./);
});

const json = (text: string): unknown => parseJson(text, () => fault("bad"));

test("JSON tells whole numbers from others and refuses fields that come twice", () => {
  assert.deepEqual(json(' {"a": [1, -2, 1.0, 1e3, "\\u0041", true, null, {}, []]} '), {
    a: [1n, -2n, 1, 1000, "A", true, null, {}, []],
  });
  for (const text of ["", "{", "[1,]", '{"a":1,}', "01", "1 2", "nul", '"\n"', "'a'", "[1 2]", "{1:2}", "[".repeat(100_000)]) {
    assert.throws(() => json(text), /bad/);
  }
  assert.throws(() => json('{"a":1,"a":1}'), /bad/);
});
