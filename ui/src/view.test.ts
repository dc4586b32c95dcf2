import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSEST_MS, grow, inside, keyStep, reveal, toMs, toX, zoom } from "./view";

const DAY = { from: 0, to: 86_400_000 };
const HOUR = { from: 36_000_000, to: 39_600_000 };

test("zooming keeps the moment under the pointer", () => {
  const closer = zoom(HOUR, 0.5, 37_000_000, DAY);
  assert.equal(closer.to - closer.from, 1_800_000);
  assert.ok(Math.abs(toX(37_000_000, closer, 600) - toX(37_000_000, HOUR, 600)) < 0.001);
});

test("zooming ends at the day and at half a minute", () => {
  assert.deepEqual(zoom(HOUR, 1000, 37_000_000, DAY), DAY);
  const closest = zoom(HOUR, 1e-9, 37_000_000, DAY);
  assert.equal(closest.to - closest.from, CLOSEST_MS);
});

test("a view never leaves the day", () => {
  assert.deepEqual(inside({ from: -1000, to: 1000 }, DAY), { from: 0, to: 2000 });
  assert.deepEqual(inside({ from: 86_399_000, to: 86_401_000 }, DAY), { from: 86_398_000, to: 86_400_000 });
});

test("a moment outside is brought in, one inside moves nothing", () => {
  assert.equal(reveal(HOUR, 38_000_000, DAY), HOUR);
  for (const ms of [10_000, 50_000_000, 86_400_000]) {
    const view = reveal(HOUR, ms, DAY);
    assert.ok(view.from <= ms && ms <= view.to);
    assert.equal(view.to - view.from, 3_600_000);
  }
});

test("a view at the newest edge follows time, another one stays", () => {
  const later = { from: 0, to: 86_410_000 };
  assert.deepEqual(grow({ from: 86_000_000, to: 86_400_000 }, DAY, later), { from: 86_010_000, to: 86_410_000 });
  assert.deepEqual(grow(DAY, DAY, later), later);
  assert.equal(grow(HOUR, DAY, later), HOUR);
});

test("pixels and moments are each other's inverse", () => {
  for (const x of [0, 17, 600]) assert.ok(Math.abs(toX(toMs(x, HOUR, 600), HOUR, 600) - x) < 1e-6);
});

test("keys step by ten seconds, with shift by one, pages by ten minutes", () => {
  assert.equal(keyStep("ArrowRight", false), 10_000);
  assert.equal(keyStep("ArrowLeft", true), -1000);
  assert.equal(keyStep("PageUp", false), 600_000);
  assert.equal(keyStep("a", false), null);
});
