// What a player must do next to show the moment that the clock of all cameras shows. Pure: no video, no network.

import { correction } from "./master-clock";
import { type Fragment, lastWall, mediaToWall, wallToMedia, type Window, windowOf } from "./media-time";

export interface Situation {
  /** The moment to show, and how it runs on. */
  readonly wall: number;
  readonly rate: number;
  readonly running: boolean;
  /** A person has just chosen this moment: go there at once, however near it is. */
  readonly jump: boolean;
  /** What is loaded: a window of the archive and its fragments; null before. */
  readonly window: Window | null;
  readonly fragments: readonly Fragment[];
  /** How long ago the playlist was asked for, in milliseconds. */
  readonly age: number;
  /** Where the video is, in its own seconds. */
  readonly position: number;
}

export type Step =
  | { readonly kind: "load"; readonly window: Window }
  | { readonly kind: "hole" }
  | { readonly kind: "seek"; readonly to: number }
  | { readonly kind: "run"; readonly rate: number }
  | { readonly kind: "rest" };

/** A playlist that ends before its window does may have grown; asking more often brings nothing new. */
const ASK_AGAIN_MS = 4000;
/** A still picture may be this far off before it is moved: half a frame at 12 frames per second. */
const REST_NEAR_S = 0.04;

export function nextStep(now: Situation): Step {
  const window = windowOf(now.wall);
  if (now.window?.from !== window.from) return { kind: "load", window };
  const target = wallToMedia(now.fragments, now.wall);
  if (target === null) return mayHaveGrown(now) ? { kind: "load", window } : { kind: "hole" };
  const off = Math.abs(now.position - target) > REST_NEAR_S;
  if (now.jump && off) return { kind: "seek", to: target };
  if (!now.running) return off ? { kind: "seek", to: target } : { kind: "rest" };
  const shown = mediaToWall(now.fragments, now.position);
  if (shown === null) return { kind: "seek", to: target };
  const fix = correction(now.wall - shown, now.rate);
  return fix.kind === "seek" ? { kind: "seek", to: target } : { kind: "run", rate: fix.rate };
}

function mayHaveGrown(now: Situation): boolean {
  const last = lastWall(now.fragments);
  return now.age > ASK_AGAIN_MS && (last === null || now.wall >= last);
}
