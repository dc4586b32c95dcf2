// From wall time to a player's own time and back, through the program date of each fragment (RFC 8216 §4.3.2.6).

/** What hls.js knows of a fragment that matters here. Times in seconds; `programDateTime` in UTC milliseconds. */
export interface Fragment {
  readonly start: number;
  readonly duration: number;
  readonly programDateTime: number | null;
  readonly gap?: boolean;
}

/** Archive playlists are asked for in whole windows, so that caches and all five players share them. */
export const WINDOW_MS = 20 * 60_000;

export interface Window {
  readonly from: number;
  readonly to: number;
}

export function windowOf(ms: number): Window {
  const from = Math.floor(ms / WINDOW_MS) * WINDOW_MS;
  return { from, to: from + WINDOW_MS };
}

/** The player's time at which this moment is shown; null where no fragment holds it. */
export function wallToMedia(fragments: readonly Fragment[], wall: number): number | null {
  for (const fragment of fragments) {
    const begins = fragment.programDateTime;
    if (begins === null || fragment.gap) continue;
    const into = wall - begins;
    if (into >= 0 && into < fragment.duration * 1000) return fragment.start + into / 1000;
  }
  return null;
}

/** The moment shown at a player's time; null before the playlist is known. */
export function mediaToWall(fragments: readonly Fragment[], seconds: number): number | null {
  const dated = fragments.filter((fragment) => fragment.programDateTime !== null);
  const held = dated.find((f) => seconds >= f.start && seconds < f.start + f.duration) ?? dated.findLast((f) => f.start <= seconds);
  return held ? (held.programDateTime ?? 0) + (seconds - held.start) * 1000 : null;
}

/** The last moment that the playlist holds; null where it holds none. */
export function lastWall(fragments: readonly Fragment[]): number | null {
  const last = fragments.findLast((fragment) => fragment.programDateTime !== null && !fragment.gap);
  return last ? (last.programDateTime ?? 0) + last.duration * 1000 : null;
}

/** The newest date in a playlist's text: how fresh a live stream is. */
export function newestDate(playlist: string): number | null {
  const dates = [...playlist.matchAll(/^#EXT-X-PROGRAM-DATE-TIME:(.+)$/gm)];
  const ms = Date.parse(dates.at(-1)?.[1] ?? "");
  return Number.isNaN(ms) ? null : ms;
}
