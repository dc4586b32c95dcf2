import assert from "node:assert/strict";
import { test } from "node:test";
import { readPage, say, sayState, type Words } from "./words";

const WORDS = {
  looks: { recorded: "Recorded", pending: "Not yet sealed", gap: "Gap", missing: "Not received", off: "Off duty", future: "Later" },
  causes: { no_rtp: "the camera sent nothing" },
  until: "until {time}",
} as unknown as Words;

test("texts come from the page, blanks are filled", () => {
  assert.equal(say(WORDS, "until", { time: "10:00:00 UTC+5" }), "until 10:00:00 UTC+5");
  assert.equal(say(WORDS, "until"), "until {time}");
});

test("a text that the page lacks is a fault, never a silent English one", () => {
  assert.throws(() => say(WORDS, "unheard"), /no text/);
  assert.throws(() => readPage(null), /no data block/);
});

test("a gap says its cause", () => {
  assert.equal(sayState(WORDS, "gap", "no_rtp"), "Gap: the camera sent nothing");
  assert.equal(sayState(WORDS, "gap", "unheard_of"), "Gap");
  assert.equal(sayState(WORDS, "recorded", null), "Recorded");
});
