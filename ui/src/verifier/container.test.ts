import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, concat, utf8 } from "./bytes";
import { StoredZip } from "./container";

interface Entry {
  readonly name: string;
  readonly data: string;
  readonly method?: number;
  readonly flags?: number;
  readonly offset?: number;
  readonly headName?: string;
}

const u16 = (value: number): number[] => [value & 255, value >> 8];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];

function zip(entries: readonly Entry[], { count = entries.length, tail = "" } = {}): Bytes {
  let body: Bytes = new Uint8Array();
  let directory: Bytes = new Uint8Array();
  for (const { name, data, method = 0, flags = 0, offset = body.length, headName = name } of entries) {
    const facts = [...u16(20), ...u16(flags), ...u16(method), ...u32(0), ...u32(0), ...u32(data.length), ...u32(data.length), ...u16(name.length), ...u16(0)];
    directory = concat(directory, utf8("PK\x01\x02"), u16(20), facts, u16(0), u16(0), u16(0), u32(0), u32(offset), utf8(name));
    body = concat(body, utf8("PK\x03\x04"), facts, utf8(headName), utf8(data));
  }
  const end = [...u16(0), ...u16(0), ...u16(count), ...u16(count), ...u32(directory.length), ...u32(body.length), ...u16(0)];
  return concat(body, directory, utf8("PK\x05\x06"), end, utf8(tail));
}

const open = (data: Bytes): Promise<StoredZip> => StoredZip.open(new Blob([data]));
const GOOD: Entry[] = [{ name: "a.txt", data: "first" }, { name: "b/c.txt", data: "x".repeat(300_000) }, { name: "d", data: "" }];

test("stored files are read by name, small and large", async () => {
  const found = await open(zip(GOOD));
  assert.deepEqual([...found.sizes], [["a.txt", 5], ["b/c.txt", 300_000], ["d", 0]]);
  assert.equal(new TextDecoder().decode(await found.read("a.txt")), "first");
  assert.equal((await found.read("b/c.txt")).length, 300_000);
  assert.equal((await found.read("d")).length, 0);
});

const BAD: readonly (readonly [string, Bytes, RegExp])[] = [
  ["nothing", new Uint8Array(), /too short/],
  ["bytes behind the end", zip(GOOD, { tail: "!" }), /not a zip file/],
  ["a wrong count", zip(GOOD, { count: 2 }), /not as many/],
  ["compressed", zip([{ name: "a", data: "x", method: 8 }]), /compressed/],
  ["encrypted", zip([{ name: "a", data: "x", flags: 1 }]), /encrypted/],
  ["two files of one name", zip([{ name: "a", data: "x" }, { name: "a", data: "y" }]), /two files are called 'a'/],
  ["another name at the file", zip([{ name: "a", data: "x", headName: "b" }]), /does not begin where/],
  ["an entry that is not at its place", zip([{ name: "a", data: "x" }, { name: "b", data: "y", offset: 0 }]), /does not begin where/],
  ["a name that is not plain", zip([{ name: "é".slice(0, 1), data: "x" }]), /cannot be read|cut off|does not|not as many/],
  ["cut off in front", zip(GOOD).slice(1), /directory does not reach|does not begin/],
];

for (const [name, data, reason] of BAD) {
  test(`a zip file is refused: ${name}`, async () => {
    await assert.rejects(open(data), reason);
  });
}

test("every cut of a zip file is refused", async () => {
  const whole = zip([{ name: "a.txt", data: "first" }, { name: "b.txt", data: "second" }]);
  for (let size = 0; size < whole.length; size += 1) await assert.rejects(open(whole.slice(0, size)), /./);
});
