import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, recordedWithin, fromTold, gapEdge, look, nextFootage, type Span, spanAt, THINNEST_GAP } from "./coverage";

const span = (from: number, to: number, over: Partial<Span> = {}): Span => ({
  from, to, state: "recorded", cause: null, sealed: true, ...over,
});
const gap = (from: number, to: number, cause = "no_rtp"): Span => span(from, to, { state: "gap", cause });
const DAY = [span(0, 1000), gap(1000, 1010), span(1010, 5000), span(5000, 6000, { sealed: false }), span(6000, 7000, { state: "missing" })];

test("a moment is found in the stretch that holds it", () => {
  assert.equal(spanAt(DAY, 0), DAY[0]);
  assert.equal(spanAt(DAY, 1000), DAY[1]);
  assert.equal(spanAt(DAY, 1009), DAY[1]);
  assert.equal(spanAt(DAY, 6999), DAY[4]);
  assert.equal(spanAt(DAY, 7000), null);
  assert.equal(spanAt([], 5), null);
});

test("each state looks different", () => {
  assert.deepEqual(DAY.map(look), ["recorded", "gap", "recorded", "pending", "missing"]);
  assert.equal(look(span(0, 1, { state: "off_duty" })), "off");
});

test("a short gap stays visible however far one zooms out", () => {
  const drawn = bars(DAY, { from: 0, to: 7000, width: 70 });
  const hole = drawn.find((bar) => bar.look === "gap");
  assert.ok(hole);
  assert.equal(hole.width, THINNEST_GAP);
  assert.ok(drawn.findIndex((bar) => bar.look === "gap") > drawn.findIndex((bar) => bar.look === "pending"), "gaps lie on top");
});

test("neighbours of one look become one bar", () => {
  const many = Array.from({ length: 500 }, (_, i) => span(i * 2, i * 2 + 2));
  assert.deepEqual(bars(many, { from: 0, to: 1000, width: 100 }), [{ x: 0, width: 100, look: "recorded" }]);
});

test("bars end where the view ends", () => {
  assert.deepEqual(bars([span(-500, 5000)], { from: 0, to: 1000, width: 10 }), [{ x: 0, width: 10, look: "recorded" }]);
  assert.deepEqual(bars([span(2000, 3000)], { from: 0, to: 1000, width: 10 }), []);
});

test("only footage counts", () => {
  assert.equal(recordedWithin(DAY, 500, 1510), 1000);
  assert.equal(recordedWithin(DAY, 1000, 1010), 0);
});

test("jumps go to the next footage and from gap to gap", () => {
  assert.equal(nextFootage(DAY, 1005), 1010);
  assert.equal(nextFootage(DAY, 6500), null);
  assert.equal(gapEdge(DAY, 0, 1), 1000);
  assert.equal(gapEdge(DAY, 1000, 1), 6000);
  assert.equal(gapEdge(DAY, 6500, -1), 6000);
  assert.equal(gapEdge(DAY, 900, -1), null);
});

test("the interface's names become ours", () => {
  const told = { from_ms: 1, to_ms: 2, state: "gap" as const, cause: "no_rtp", sealed: true };
  assert.deepEqual(fromTold([told]), [gap(1, 2)]);
});
