import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWall, mediaToWall, newestDate, wallToMedia, windowOf, WINDOW_MS, type Fragment } from "./media-time";

// Two fragments, a gap of 100 s that the playlist left out (discontinuity), one fragment more.
const FRAGMENTS: Fragment[] = [
  { start: 0, duration: 2, programDateTime: 10_000 },
  { start: 2, duration: 2, programDateTime: 12_000 },
  { start: 4, duration: 2, programDateTime: 114_000 },
];

test("a moment is found through the date of its fragment, also after a cut", () => {
  assert.equal(wallToMedia(FRAGMENTS, 13_500), 3.5);
  assert.equal(wallToMedia(FRAGMENTS, 114_250), 4.25);
});

test("a moment without footage has no place", () => {
  assert.equal(wallToMedia(FRAGMENTS, 60_000), null);
  assert.equal(wallToMedia(FRAGMENTS, 9_999), null);
  assert.equal(wallToMedia([{ start: 0, duration: 2, programDateTime: 0, gap: true }], 500), null);
});

test("there and back is the same moment", () => {
  for (const wall of [10_000, 11_999, 12_001, 115_999]) {
    assert.equal(mediaToWall(FRAGMENTS, wallToMedia(FRAGMENTS, wall) ?? -1), wall);
  }
  assert.equal(mediaToWall([], 3), null);
  assert.equal(lastWall(FRAGMENTS), 116_000);
});

test("windows tile time", () => {
  const window = windowOf(1_773_549_727_000);
  assert.ok(window.from <= 1_773_549_727_000 && 1_773_549_727_000 < window.to);
  assert.equal(windowOf(window.to).from, window.to);
  assert.equal(window.to - window.from, WINDOW_MS);
});

test("a live playlist tells how fresh it is", () => {
  const text = "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-03-15T05:42:07.000Z\na\n#EXT-X-PROGRAM-DATE-TIME:2026-03-15T05:42:09.500Z\nb\n";
  assert.equal(newestDate(text), Date.UTC(2026, 2, 15, 5, 42, 9, 500));
  assert.equal(newestDate("#EXTM3U\n"), null);
});
