// The stretch of time that the timeline shows: zooming, moving and following, without a pixel of drawing.

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** One can look as closely as this. */
export const CLOSEST_MS = 30_000;
const EDGE_MS = 3000;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), Math.max(low, high));

/** The view zoomed by a factor (< 1 comes closer) around a moment that stays where it is. */
export function zoom(view: Range, factor: number, around: number, whole: Range): Range {
  const span = clamp((view.to - view.from) * factor, CLOSEST_MS, whole.to - whole.from);
  const share = clamp((around - view.from) / (view.to - view.from), 0, 1);
  return inside({ from: around - span * share, to: around + span * (1 - share) }, whole);
}

/** The view moved as little as needed so that it lies in the whole. */
export function inside(view: Range, whole: Range): Range {
  const span = Math.min(view.to - view.from, whole.to - whole.from);
  const from = clamp(view.from, whole.from, whole.to - span);
  return { from, to: from + span };
}

/** The view moved so that a moment is in it, with a tenth of the view beside it. */
export function reveal(view: Range, ms: number, whole: Range): Range {
  const span = view.to - view.from;
  if (ms >= view.from && ms <= view.to) return view;
  const from = ms < view.from ? ms - span * 0.1 : ms - span * 0.9;
  return inside({ from, to: from + span }, whole);
}

/** When time goes on: a view that ended now still ends now. */
export function grow(view: Range, before: Range, after: Range): Range {
  const atEdge = Math.abs(before.to - view.to) < EDGE_MS;
  if (!atEdge) return view;
  const wholeDay = Math.abs(view.from - before.from) < EDGE_MS;
  return wholeDay ? after : inside({ from: view.from + after.to - before.to, to: after.to }, after);
}

export function toX(ms: number, view: Range, width: number): number {
  return ((ms - view.from) / (view.to - view.from)) * width;
}

export function toMs(x: number, view: Range, width: number): number {
  return view.from + (x / Math.max(width, 1)) * (view.to - view.from);
}

/** Steps of the slider's keys in milliseconds. */
export function keyStep(key: string, fine: boolean): number | null {
  const steps: Readonly<Record<string, number>> = { ArrowLeft: -10_000, ArrowDown: -10_000, ArrowRight: 10_000, ArrowUp: 10_000, PageDown: -600_000, PageUp: 600_000 };
  const step = steps[key];
  if (step === undefined) return null;
  return fine ? step / 10 : step;
}
