import assert from "node:assert/strict";
import { test } from "node:test";
import { tickStep, ticks, ZoneClock } from "./time";

const almaty = new ZoneClock("Asia/Almaty", "dmy");

test("times are on the station's clocks and name their zone", () => {
  assert.equal(almaty.stamp(Date.UTC(2026, 2, 15, 5, 42, 7)), "15.03.2026 10:42:07 UTC+5");
  assert.equal(new ZoneClock("Asia/Almaty", "ymd").date(Date.UTC(2026, 2, 14, 20)), "2026-03-15");
});

test("Almaty was six hours ahead before March 2024", () => {
  assert.equal(almaty.zoneLabel(Date.UTC(2023, 5, 1)), "UTC+6");
  assert.equal(almaty.zoneLabel(Date.UTC(2025, 5, 1)), "UTC+5");
});

test("zones behind UTC and with half hours", () => {
  assert.equal(new ZoneClock("America/New_York", "dmy").zoneLabel(Date.UTC(2026, 0, 1)), "UTC−5");
  assert.equal(new ZoneClock("Asia/Kolkata", "dmy").zoneLabel(Date.UTC(2026, 0, 1)), "UTC+5:30");
});

test("an input's value goes there and back", () => {
  for (const ms of [Date.UTC(2026, 2, 15, 23, 59, 59), Date.UTC(2024, 1, 29, 18, 30, 0), Date.UTC(2024, 2, 1, 0, 0, 0)]) {
    assert.equal(almaty.fromInput(almaty.inputValue(ms)), ms);
  }
  assert.equal(almaty.fromInput("2026-03-15T10:42"), Date.UTC(2026, 2, 15, 5, 42));
});

test("what is no time is refused", () => {
  for (const text of ["", "yesterday", "2026-03-15", "2026-03-15T10:42:07Z"]) assert.equal(almaty.fromInput(text), null);
});

test("marks stand on whole local hours", () => {
  const from = Date.UTC(2026, 2, 15, 4, 50);
  const hour = 3_600_000;
  const found = ticks(from, from + 3 * hour, hour, almaty.offset(from));
  assert.deepEqual(found.map((ms) => almaty.shortClock(ms)), ["10:00", "11:00", "12:00"]);
});

test("marks leave each other room", () => {
  assert.equal(tickStep(3_600_000, 600, 80), 600_000);
  assert.equal(tickStep(60_000, 600, 80), 10_000);
  assert.equal(tickStep(1e12, 1, 80), 86_400_000);
});
