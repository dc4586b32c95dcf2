import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, lengthText } from "./clip";
import type { Span } from "./coverage";

const SPANS: Span[] = [
  { from: 0, to: 60_000, state: "recorded", cause: null, sealed: true },
  { from: 60_000, to: 90_000, state: "gap", cause: "no_rtp", sealed: true },
];

test("a stretch is judged before it is asked for", () => {
  assert.deepEqual(judge(null, 5, SPANS, 1e9), { problem: "clip_choose" });
  assert.deepEqual(judge(5, 5, SPANS, 1e9), { problem: "clip_backwards" });
  assert.deepEqual(judge(0, 100, SPANS, 50), { problem: "clip_future" });
  assert.deepEqual(judge(61_000, 89_000, SPANS, 1e9), { problem: "clip_empty" });
  assert.deepEqual(judge(50_000, 70_000, SPANS, 1e9), { problem: null, length: 20_000, recorded: 10_000 });
});

test("lengths read like a clock", () => {
  assert.equal(lengthText(59_600), "1:00");
  assert.equal(lengthText(123_000), "2:03");
  assert.equal(lengthText(3_723_000), "1:02:03");
});
