import assert from "node:assert/strict";
import { test } from "node:test";
import { correction, FAR_MS, MasterClock, NEAR_MS } from "./master-clock";

test("the clock runs at its rate and holds where it is told", () => {
  let now = 0;
  const clock = new MasterClock(() => now);
  clock.seek(1000);
  now = 500;
  assert.equal(clock.wall(), 1000, "not running yet");
  clock.run();
  now = 1500;
  assert.equal(clock.wall(), 2000);
  clock.setRate(2);
  now = 2500;
  assert.equal(clock.wall(), 4000);
  clock.hold();
  now = 9000;
  assert.equal(clock.wall(), 4000);
});

test("a player is left alone, bent or sent, by how far it is away", () => {
  assert.deepEqual(correction(NEAR_MS, 1), { kind: "rate", rate: 1 });
  assert.deepEqual(correction(200, 1), { kind: "rate", rate: 1.2 });
  assert.deepEqual(correction(-200, 1), { kind: "rate", rate: 0.8 });
  assert.deepEqual(correction(1400, 2), { kind: "rate", rate: 2.5 });
  assert.deepEqual(correction(FAR_MS + 1, 1), { kind: "seek" });
  assert.deepEqual(correction(-FAR_MS - 1, 1), { kind: "seek" });
});

test("players that start apart come together", () => {
  const players = [0, 800, -700, 1400];
  for (let tick = 0; tick < 40; tick += 1) {
    for (const [i, behind] of players.entries()) {
      const step = correction(behind, 1);
      players[i] = step.kind === "seek" ? 0 : behind - 500 * (step.rate - 1);
    }
  }
  assert.ok(players.every((behind) => Math.abs(behind) <= NEAR_MS), players.join(" "));
});
