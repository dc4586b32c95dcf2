// What the station page shows: one state, changed by actions, mirrored in the address. Pure.

import { windowOf } from "./media-time";

export type Stream = "sub" | "main";

export interface State {
  readonly camera: string;
  /** Live, or at a moment of the archive. */
  readonly mode: "live" | "archive";
  /** The moment asked for in the archive, UTC milliseconds. */
  readonly wall: number;
  readonly playing: boolean;
  readonly rate: number;
  /** All cameras play in step, not only the chosen one. */
  readonly together: boolean;
  readonly stream: Stream;
}

export type Action =
  | { readonly kind: "camera"; readonly id: string }
  | { readonly kind: "live" }
  | { readonly kind: "seek"; readonly to: number; readonly now: number }
  | { readonly kind: "toggle"; readonly at: number }
  | { readonly kind: "step"; readonly by: number; readonly at: number }
  | { readonly kind: "rate"; readonly rate: number }
  | { readonly kind: "together"; readonly on: boolean }
  | { readonly kind: "stream"; readonly stream: Stream };

/** The archive ends this far before now: segments of 2 s must be closed, sealed and sent first. */
export const EDGE_MS = 8000;

/** Without fresh footage there is nothing live to show. */
export const SILENT_MS = 20_000;

/** How the page begins: at the moment of its address, live, or where a silent station's footage ends. */
export function begin(page: { readonly camera: string; readonly t_ms: number | null; readonly last_ms: number | null }, now: number): State {
  const silent = page.last_ms !== null && now - page.last_ms > 3 * SILENT_MS;
  const wall = page.t_ms ?? (silent ? page.last_ms - SILENT_MS / 4 : now);
  const live = page.t_ms === null && !silent;
  return { camera: page.camera, mode: live ? "live" : "archive", wall, playing: live, rate: 1, together: true, stream: "sub" };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "camera":
      return { ...state, camera: action.id };
    case "live":
      return { ...state, mode: "live", playing: true, rate: 1 };
    case "seek":
      return seek(state, action.to, action.now);
    case "toggle":
      return state.mode === "live"
        ? { ...state, mode: "archive", wall: action.at, playing: false }
        : { ...state, wall: action.at, playing: !state.playing };
    case "step":
      return { ...state, mode: "archive", wall: action.at + action.by, playing: false };
    case "rate":
      return { ...state, rate: action.rate };
    case "together":
      return { ...state, together: action.on };
    case "stream":
      return { ...state, stream: action.stream };
  }
}

function seek(state: State, to: number, now: number): State {
  if (to > now - EDGE_MS) return reduce(state, { kind: "live" });
  const playing = state.mode === "live" || state.playing;
  return { ...state, mode: "archive", wall: to, playing };
}

/** The query of an address that brings another reader to the same camera and moment. */
export function query(state: State, wall: number): string {
  const search = new URLSearchParams({ camera: state.camera });
  if (state.mode === "archive") search.set("t", String(Math.round(wall)));
  return `?${search}`;
}

/** Something that only a new engine can show: another mode, camera or stream, or a far jump. */
export function mustRestart(before: State, after: State): boolean {
  if (before.mode !== after.mode) return true;
  if (after.mode === "live") return before.camera !== after.camera || before.stream !== after.stream;
  return before.stream !== after.stream || windowOf(before.wall).from !== windowOf(after.wall).from;
}

const KEYS: Readonly<Record<string, string>> = {
  Space: "play", KeyK: "play", KeyL: "live", KeyF: "full", KeyJ: "back", Semicolon: "forward",
  Comma: "frame-back", Period: "frame-forward", BracketLeft: "clip-from", BracketRight: "clip-to",
};

/** The command of a key by its place on the keyboard, so that it holds on Kazakh and Russian layouts too. */
export function commandOf(code: string): string | null {
  const digit = /^Digit([1-9])$/.exec(code)?.[1];
  return digit ? `camera-${digit}` : (KEYS[code] ?? null);
}
