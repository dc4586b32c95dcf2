import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { LANGUAGES, Speaker } from "./languages";
import { CAUSES, CHECKS, HEADLINES, VERDICTS } from "./report";
import { count, quoted, said, tell } from "./said";
import { NOUNS, TEXTS } from "./texts";

const FOLDER = "src/verifier";
const STRING = /"((?:[^"\\]|\\.)*)"/;
const SENTENCE = new RegExp(`\\b(?:said|fault|say|told|rule|#failed|button|#look)\\((?:[^"()\`]*?)${STRING.source}(?: : ${STRING.source})?`, "g");
const SOURCES = readdirSync(FOLDER).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "texts.ts");

function sentences(): Set<string> {
  const found = new Set([...VERDICTS.map((verdict) => verdict.replaceAll("_", " ")), ...Object.values(HEADLINES), ...Object.values(CAUSES), ...CHECKS]);
  for (const name of SOURCES) {
    const source = readFileSync(`${FOLDER}/${name}`, "utf8").replaceAll(/"\s*\+\s*"/g, "");
    for (const [, first, other] of source.matchAll(SENTENCE)) for (const words of [first, other]) if (words) found.add(words);
  }
  const page = readFileSync(`${FOLDER}/page.html`, "utf8");
  for (const [, words] of page.matchAll(/data-say(?:-label)?="([^"]*)"/g)) found.add(words!);
  return found;
}

/** What the pattern finds besides sentences: looks of bars, the name of a method. */
const NO_SENTENCES = new Set(["recorded", "gap", "missing", "say"]);

test("every sentence is there in Kazakh and in Russian", () => {
  const found = sentences();
  assert.ok(found.size > 180, `only ${found.size} were found`);
  const without = [...found].filter((words) => !(words in TEXTS) && !NO_SENTENCES.has(words));
  assert.deepEqual(without, []);
});

const blanks = (words: string): string[] => [...words.matchAll(/\{\w+\}/g)].map(([blank]) => blank).sort();

test("a translation keeps the blanks, and is one", () => {
  for (const [words, [kazakh, russian]] of Object.entries(TEXTS)) {
    assert.deepEqual([blanks(kazakh), blanks(russian)], [blanks(words), blanks(words)], words);
    const told = words.replaceAll(/\{\w+\}/g, "");
    if (/[a-z]{3}/.test(told)) assert.ok(/[а-яәғқңөұүһі]/i.test(kazakh) && /[а-яё]/i.test(russian), words);
    assert.ok(!/[ёәғқңөұүһі]/i.test(russian.replaceAll("ё", "")), russian);
  }
});

test("numbers take the right form of a noun", () => {
  const rows = [0, 1, 2, 5, 11, 21].map((number) => new Speaker("ru").tell(count(number, "row")));
  assert.deepEqual(rows, ["0 записей", "1 запись", "2 записи", "5 записей", "11 записей", "21 запись"]);
  assert.equal(new Speaker("kk").tell(count(5, "segment")), "5 сегмент");
  assert.deepEqual([1, 2].map((number) => tell(count(number, "witness"))), ["1 witness", "2 witnesses"]);
  assert.equal(tell(count(1, "row")), "1 rows"); // as the command line counts
  for (const [kazakh, russian] of Object.values(NOUNS)) assert.deepEqual([kazakh.length, russian.length], [1, 3]);
});

test("sentences hold sentences", () => {
  const inner = [said("missing"), said("and {count} more", { count: 2 })];
  assert.equal(new Speaker("ru").tell(said("{name}: {reason}", { name: "a.cbor", reason: inner })), "a.cbor: нет; и ещё 2");
  assert.equal(new Speaker("en").say("{name}: {reason}", { name: "{reason}", reason: "x" }), "{reason}: x");
});

test("the language is the one of the address, else the reader's", () => {
  assert.equal(Speaker.first("#kk", ["ru"]).code, "kk");
  assert.equal(Speaker.first("", ["fr", "ru-KZ"]).code, "ru");
  assert.equal(Speaker.first("#constructor", ["fr"]).code, "en");
  assert.deepEqual(Object.keys(LANGUAGES), ["kk", "ru", "en"]);
});

test("foreign names are quoted", () => {
  assert.deepEqual(["a", "it's", "\n\u0001", "\\"].map(quoted), ["'a'", '"it\'s"', "'\\n\\x01'", "'\\\\'"]);
});
