import assert from "node:assert/strict";
import { test } from "node:test";
import { LEAST, around, between, moved, numbered, resized, rowFor } from "./areas";

const SHEET = { x: 0, y: 0, w: 210, h: 297 };
const box = (x: number, y: number, side = 18): { x: number; y: number; w: number; h: number } => ({ x, y, w: side, h: side });
const placed = (x: number, y: number) => ({ box: box(x, y), row: { x: 12, y: y - 3, w: 186, h: 24 } });

test("an area never leaves the sheet", () => {
  assert.deepEqual(moved(box(180, 90), 50, -500, SHEET), box(192, 0));
  assert.deepEqual(resized(box(180, 90), 500, -500, SHEET), { x: 180, y: 90, w: 30, h: LEAST });
});

test("it may be drawn from any corner", () => {
  assert.deepEqual(between(30, 40, 10, 20, SHEET), { x: 10, y: 20, w: 20, h: 20 });
  assert.deepEqual(between(209, 296, 400, 400, SHEET), { x: 208.5, y: 295.5, w: 1.5, h: 1.5 });
});

test("a row grows with its box and never shrinks", () => {
  const row = { x: 12, y: 100, w: 186, h: 24 };
  assert.deepEqual(around(row, box(176, 103)), row);
  assert.deepEqual(around(row, box(190, 110)), { x: 12, y: 100, w: 196, h: 28 });
});

test("the row of a drawn box is as wide as its column's and does not lie over them", () => {
  const row = rowFor(box(176, 131), [placed(176, 103), placed(176, 157)], SHEET);
  assert.deepEqual(row, { x: 12, y: 128, w: 186, h: 24 });
});

test("numbers go down each column, from the left", () => {
  assert.deepEqual(numbered([placed(176, 200), placed(60, 150), placed(178, 100), placed(62, 90)]), [3, 1, 2, 0]);
});
