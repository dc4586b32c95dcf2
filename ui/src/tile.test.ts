import assert from "node:assert/strict";
import { test } from "node:test";
import type { Span } from "./coverage";
import { coverOf, type Tile } from "./tile";
import { ZoneClock } from "./time";
import type { Words } from "./words";

const CLOCK = new ZoneClock("Asia/Almaty", "dmy");
const WORDS = {
  looks: { recorded: "Recorded", pending: "Pending", gap: "Gap", missing: "Not received", off: "Off duty", future: "Later" },
  causes: { no_rtp: "the camera sent nothing" },
  until: "until {time}",
  player_offline: "No connection",
  player_unsupported: "Cannot play",
} as unknown as Words;
const NOON = Date.UTC(2026, 2, 15, 7);
const SPANS: Span[] = [
  { from: NOON, to: NOON + 60_000, state: "gap", cause: "no_rtp", sealed: true },
  { from: NOON + 60_000, to: NOON + 90_000, state: "recorded", cause: null, sealed: true },
];
const tile = (over: Partial<Tile>): Tile => ({ condition: "hole", live: false, spans: SPANS, wall: NOON + 5000, now: NOON + 100_000, ...over });

test("a picture needs no words", () => {
  for (const condition of ["playing", "still", "loading"] as const) assert.equal(coverOf(tile({ condition }), WORDS, CLOCK).text, "");
});

test("a gap says why and until when, and offers the way on", () => {
  assert.deepEqual(coverOf(tile({}), WORDS, CLOCK), { text: "Gap: the camera sent nothing · until 12:01:00 UTC+5", skip: true });
});

test("an open gap has no end yet, and nothing comes after it", () => {
  assert.deepEqual(coverOf(tile({ spans: SPANS.slice(0, 1), now: NOON + 60_000 }), WORDS, CLOCK), { text: "Gap: the camera sent nothing", skip: false });
});

test("where nothing is known it was not received", () => {
  assert.equal(coverOf(tile({ spans: [] }), WORDS, CLOCK).text, "Not received");
});

test("faults of the line and of the browser are told apart", () => {
  assert.equal(coverOf(tile({ condition: "offline" }), WORDS, CLOCK).text, "No connection");
  assert.equal(coverOf(tile({ condition: "unsupported" }), WORDS, CLOCK).text, "Cannot play");
});

test("a live camera that falls silent says so over its last picture", () => {
  const now = NOON + 40_000;
  const live = { condition: "playing", live: true, now } as const;
  assert.equal(coverOf(tile({ ...live, wall: now - 7000 }), WORDS, CLOCK).text, "");
  assert.equal(coverOf(tile({ ...live, wall: now - 30_000 }), WORDS, CLOCK).text, "Gap: the camera sent nothing");
});
