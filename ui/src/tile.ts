// What a camera's tile says where it has no picture: why, and until when. Pure.

import { look, nextFootage, type Span, spanAt } from "./coverage";
import type { Condition } from "./player";
import { EDGE_MS, SILENT_MS } from "./station-state";
import type { ZoneClock } from "./time";
import { say, sayState, type Words } from "./words";

/** Text over a tile; empty where there is a picture. `skip` offers the way to the next footage. */
export interface Cover {
  readonly text: string;
  readonly skip: boolean;
}

export interface Tile {
  readonly condition: Condition;
  readonly live: boolean;
  readonly spans: readonly Span[];
  readonly wall: number;
  readonly now: number;
}

export function coverOf(tile: Tile, words: Words, clock: ZoneClock): Cover {
  if (tile.condition === "unsupported") return { text: say(words, "player_unsupported"), skip: false };
  if (tile.condition === "offline") return { text: say(words, "player_offline"), skip: false };
  const silent = tile.live && tile.condition === "playing" && tile.now - tile.wall > SILENT_MS;
  if (tile.condition !== "hole" && !silent) return { text: "", skip: false };
  const span = spanAt(tile.spans, silent ? tile.now - EDGE_MS : tile.wall);
  const reason = span ? sayState(words, look(span), span.cause) : words.looks.missing;
  const over = span !== null && span.to < tile.now - 1000;
  const until = over ? ` · ${say(words, "until", { time: clock.clockWithZone(span.to) })}` : "";
  return { text: reason + until, skip: nextFootage(tile.spans, tile.wall) !== null };
}
