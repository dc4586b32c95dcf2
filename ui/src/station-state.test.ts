import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, commandOf, EDGE_MS, mustRestart, query, reduce, type State } from "./station-state";

const NOW = 1_773_549_727_000;
const LIVE: State = { camera: "c1", mode: "live", wall: NOW, playing: true, rate: 1, together: true, stream: "sub" };

test("playbook: from live back in time, pause, step, go on, and live again", () => {
  const back = reduce(LIVE, { kind: "seek", to: NOW - 60_000, now: NOW });
  assert.deepEqual(back, { ...LIVE, mode: "archive", wall: NOW - 60_000, playing: true });
  const paused = reduce(back, { kind: "toggle", at: NOW - 50_000 });
  assert.deepEqual(paused, { ...back, wall: NOW - 50_000, playing: false });
  const stepped = reduce(paused, { kind: "step", by: 100, at: paused.wall });
  assert.equal(stepped.wall, NOW - 49_900);
  const moved = reduce(stepped, { kind: "seek", to: NOW - 90_000, now: NOW });
  assert.equal(moved.playing, false, "a seek keeps the pause");
  const live = reduce(reduce(moved, { kind: "rate", rate: 4 }), { kind: "live" });
  assert.deepEqual([live.mode, live.playing, live.rate], ["live", true, 1]);
});

test("a seek to the edge of now is live", () => {
  const back = reduce(LIVE, { kind: "seek", to: NOW - 60_000, now: NOW });
  assert.equal(reduce(back, { kind: "seek", to: NOW - EDGE_MS + 1, now: NOW }).mode, "live");
  assert.equal(reduce(back, { kind: "seek", to: NOW + 1e9, now: NOW }).mode, "live");
});

test("pausing live stays at the moment that was shown", () => {
  assert.deepEqual(reduce(LIVE, { kind: "toggle", at: NOW - 2100 }), { ...LIVE, mode: "archive", wall: NOW - 2100, playing: false });
});

test("the address names camera and moment, live only the camera", () => {
  assert.equal(query(LIVE, NOW), "?camera=c1");
  assert.equal(query({ ...LIVE, mode: "archive" }, NOW + 0.4), `?camera=c1&t=${NOW}`);
});

test("engines start anew only where they must", () => {
  const archive: State = { ...LIVE, mode: "archive" };
  assert.ok(mustRestart(LIVE, archive));
  assert.ok(mustRestart(LIVE, { ...LIVE, camera: "c2" }));
  assert.ok(!mustRestart(archive, { ...archive, camera: "c2" }), "all play already");
  assert.ok(!mustRestart(archive, { ...archive, rate: 2, wall: NOW + 1000 }));
});

test("keys hold on every layout", () => {
  assert.equal(commandOf("KeyL"), "live");
  assert.equal(commandOf("Digit3"), "camera-3");
  assert.equal(commandOf("KeyQ"), null);
});

test("the page begins live, at the moment asked for, or where a silent station ended", () => {
  const page = { camera: "c1", t_ms: null, last_ms: NOW - 3000 };
  assert.deepEqual(begin(page, NOW), LIVE);
  assert.deepEqual(begin({ ...page, last_ms: null }, NOW).mode, "live", "its first picture may come any second");
  const asked = begin({ ...page, t_ms: NOW - 60_000 }, NOW);
  assert.deepEqual([asked.mode, asked.wall, asked.playing], ["archive", NOW - 60_000, false]);
  const silent = begin({ ...page, last_ms: NOW - 3_600_000 }, NOW);
  assert.deepEqual([silent.mode, silent.wall], ["archive", NOW - 3_605_000]);
});
