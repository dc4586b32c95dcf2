// What is known of a camera's time: recorded, gap with its cause, or not yet received. Holes are shown, never painted over.

export type State = "recorded" | "gap" | "absence" | "missing" | "off_duty" | "future";
export type Look = "recorded" | "pending" | "gap" | "absence" | "missing" | "off" | "future";

/** What is missing, whoever says so. */
const HOLES: ReadonlySet<Look> = new Set<Look>(["gap", "absence", "missing"]);

/** A stretch [from, to) in UTC milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly state: State;
  readonly cause: string | null;
  /** A signed checkpoint of the station covers all of it. */
  readonly sealed: boolean;
}

/** A stretch as the interface tells it. */
export interface ToldSpan {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly state: State;
  readonly cause: string | null;
  readonly sealed: boolean;
}

export function fromTold(told: readonly ToldSpan[]): Span[] {
  return told.map(({ from_ms: from, to_ms: to, state, cause, sealed }) => ({ from, to, state, cause, sealed }));
}

/** A bar of the timeline in pixels. */
export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly look: Look;
}

export interface View {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** A gap stays visible at every zoom: it is never drawn thinner than this. */
export const THINNEST_GAP = 2;

export function look(span: Span): Look {
  if (span.state === "recorded") return span.sealed ? "recorded" : "pending";
  return span.state === "off_duty" ? "off" : span.state;
}

/** The stretch that holds this moment, or null. Spans are in order and do not overlap. */
export function spanAt(spans: readonly Span[], ms: number): Span | null {
  let low = 0;
  let high = spans.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = spans[middle]!;
    if (ms < span.from) high = middle - 1;
    else if (ms >= span.to) low = middle + 1;
    else return span;
  }
  return null;
}

/** Bars for a view: neighbours that look the same become one, footage first and gaps over it. */
export function bars(spans: readonly Span[], view: View): Bar[] {
  const scale = view.width / Math.max(view.to - view.from, 1);
  const drawn: Bar[] = [];
  for (const span of spans) {
    if (span.to <= view.from || span.from >= view.to) continue;
    append(drawn, toBar(span, view, scale));
  }
  return drawn.sort((a, b) => Number(isHole(a)) - Number(isHole(b)));
}

function toBar(span: Span, view: View, scale: number): Bar {
  const shown = look(span);
  const x = (Math.max(span.from, view.from) - view.from) * scale;
  const exact = (Math.min(span.to, view.to) - view.from) * scale - x;
  return { x, width: isHole({ look: shown }) ? Math.max(exact, THINNEST_GAP) : exact, look: shown };
}

function append(drawn: Bar[], bar: Bar): void {
  const last = drawn.at(-1);
  if (last && last.look === bar.look && bar.x - (last.x + last.width) < 0.5) {
    drawn[drawn.length - 1] = { ...last, width: bar.x + bar.width - last.x };
  } else {
    drawn.push(bar);
  }
}

function isHole(bar: { readonly look: Look }): boolean {
  return HOLES.has(bar.look);
}

/** Milliseconds of footage inside [from, to). */
export function recordedWithin(spans: readonly Span[], from: number, to: number): number {
  const overlap = (span: Span): number => Math.max(0, Math.min(span.to, to) - Math.max(span.from, from));
  return spans.reduce((sum, span) => sum + (span.state === "recorded" ? overlap(span) : 0), 0);
}

/** The start of the next footage at or after this moment, or null. */
export function nextFootage(spans: readonly Span[], ms: number): number | null {
  const span = spans.find((candidate) => candidate.state === "recorded" && candidate.to > ms);
  return span ? Math.max(span.from, ms) : null;
}

/** The nearest edge of a gap before or after this moment, or null: the keys that jump from gap to gap. */
export function gapEdge(spans: readonly Span[], ms: number, direction: -1 | 1): number | null {
  const starts = spans.filter((span) => HOLES.has(look(span))).map((span) => span.from);
  const found = direction > 0 ? starts.find((start) => start > ms) : starts.filter((start) => start < ms).at(-1);
  return found ?? null;
}
