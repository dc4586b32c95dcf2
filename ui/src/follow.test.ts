import assert from "node:assert/strict";
import { test } from "node:test";
import { nextStep, type Situation } from "./follow";
import { windowOf, WINDOW_MS } from "./media-time";

const START = windowOf(1_773_549_727_000).from;
const FRAGMENTS = Array.from({ length: 30 }, (_, i) => ({
  start: i * 2, duration: 2, programDateTime: START + i * 2000, gap: i >= 10 && i < 15,
}));
const situation = (over: Partial<Situation>): Situation => ({
  wall: START + 5000, rate: 1, running: true, jump: false, window: windowOf(START), fragments: FRAGMENTS, age: 0, position: 5, ...over,
});

test("playbook: load, go there, run, bend, cross a hole, go on, load the next window", () => {
  const playbook: [Partial<Situation>, unknown][] = [
    [{ window: null, fragments: [] }, { kind: "load", window: windowOf(START) }],
    [{ position: 0 }, { kind: "seek", to: 5 }],
    [{ position: 5 }, { kind: "run", rate: 1 }],
    [{ position: 4.8 }, { kind: "run", rate: 1.2 }],
    [{ wall: START + 20_500, position: 20 }, { kind: "hole" }],
    [{ wall: START + 29_999, position: 20 }, { kind: "hole" }],
    [{ wall: START + 30_500, position: 20 }, { kind: "seek", to: 30.5 }],
    [{ wall: START + WINDOW_MS }, { kind: "load", window: windowOf(START + WINDOW_MS) }],
  ];
  for (const [over, step] of playbook) assert.deepEqual(nextStep(situation(over)), step);
});

test("a held clock rests on the exact frame", () => {
  assert.deepEqual(nextStep(situation({ running: false, position: 5.03 })), { kind: "rest" });
  assert.deepEqual(nextStep(situation({ running: false, position: 5.2 })), { kind: "seek", to: 5 });
});

test("a playlist that ended too early is asked for again, but not at once", () => {
  const beyond = { wall: START + 61_000, position: 60 };
  assert.deepEqual(nextStep(situation({ ...beyond, age: 1000 })), { kind: "hole" });
  assert.deepEqual(nextStep(situation({ ...beyond, age: 5000 })), { kind: "load", window: windowOf(START) });
  assert.deepEqual(nextStep(situation({ wall: START + 21_000, age: 5000 })), { kind: "hole" });
});

test("a step of a second that a person asked for is taken at once, not caught up with", () => {
  assert.deepEqual(nextStep(situation({ wall: START + 4000, jump: true })), { kind: "seek", to: 4 });
  assert.deepEqual(nextStep(situation({ wall: START + 4000, jump: false })), { kind: "run", rate: 0.75 });
});
