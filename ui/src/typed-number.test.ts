import assert from "node:assert/strict";
import { test } from "node:test";
import { digitOf, typeDigit } from "./typed-number";

test("up to nine rows a digit chooses at once", () => {
  assert.deepEqual(typeDigit("", "3", 8), { chosen: 3, pending: "" });
  assert.deepEqual(typeDigit("", "9", 8), { chosen: null, pending: "" });
  assert.deepEqual(typeDigit("", "0", 8), { chosen: null, pending: "" });
});

test("a digit waits only where another could follow", () => {
  assert.deepEqual(typeDigit("", "1", 20), { chosen: null, pending: "1" });
  assert.deepEqual(typeDigit("1", "7", 20), { chosen: 17, pending: "" });
  assert.deepEqual(typeDigit("", "2", 20), { chosen: null, pending: "2" });
  assert.deepEqual(typeDigit("2", "0", 20), { chosen: 20, pending: "" });
  assert.deepEqual(typeDigit("", "3", 20), { chosen: 3, pending: "" });
});

test("digits that fit nowhere begin anew", () => {
  assert.deepEqual(typeDigit("2", "5", 20), { chosen: 5, pending: "" });
  assert.deepEqual(typeDigit("2", "1", 20), { chosen: null, pending: "1" });
});

test("keys are told by their place, not by what the layout writes", () => {
  assert.equal(digitOf("Digit2"), "2");
  assert.equal(digitOf("Numpad0"), "0");
  assert.equal(digitOf("KeyR"), null);
  assert.equal(digitOf("F1"), null);
});
