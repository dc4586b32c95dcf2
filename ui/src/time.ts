// Wall time on the clocks of a polling station. Every time that is shown to a person names its zone.

export type DateOrder = "dmy" | "ymd";

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const pad = (value: number): string => String(value).padStart(2, "0");

/** Turns UTC milliseconds into the local time of an IANA zone and back. */
export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;
  readonly #order: DateOrder;

  constructor(zone: string, order: DateOrder) {
    this.#order = order;
    this.#format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** `10:42:07`; only for places where the zone stands beside it. */
  clock(ms: number): string {
    const p = this.#parts(ms);
    return `${pad(p.hour)}:${pad(p.minute)}:${pad(p.second)}`;
  }

  /** `10:42`. */
  shortClock(ms: number): string {
    return this.clock(ms).slice(0, 5);
  }

  /** `15.03.2026`, or `2026-03-15` where that is the custom. */
  date(ms: number): string {
    const p = this.#parts(ms);
    return this.#order === "dmy" ? `${pad(p.day)}.${pad(p.month)}.${p.year}` : isoDate(p);
  }

  /** `10:42:07 UTC+5`. */
  clockWithZone(ms: number): string {
    return `${this.clock(ms)} ${this.zoneLabel(ms)}`;
  }

  /** `15.03.2026 10:42:07 UTC+5`. */
  stamp(ms: number): string {
    return `${this.date(ms)} ${this.clockWithZone(ms)}`;
  }

  /** `UTC+5`, the offset that holds at that moment. */
  zoneLabel(ms: number): string {
    const minutes = Math.round(this.offset(ms) / 60_000);
    const rest = Math.abs(minutes) % 60;
    return `UTC${minutes < 0 ? "−" : "+"}${Math.trunc(Math.abs(minutes) / 60)}${rest ? `:${pad(rest)}` : ""}`;
  }

  /** The zone's lead over UTC at that moment, in milliseconds. */
  offset(ms: number): number {
    return asUtc(this.#parts(ms)) - Math.floor(ms / 1000) * 1000;
  }

  /** Value for an `<input type="datetime-local" step="1">`. */
  inputValue(ms: number): string {
    return `${isoDate(this.#parts(ms))}T${this.clock(ms)}`;
  }

  /** UTC milliseconds for such a value, or null where it is empty or no time. */
  fromInput(text: string): number | null {
    const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(text);
    if (!match) return null;
    const [year, month, day, hour, minute, second] = match.slice(1).map((digits) => Number(digits ?? 0));
    const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
    if (Number.isNaN(local)) return null;
    // The offset that holds at the answer may differ from the one at the first guess: ask twice.
    const guess = local - this.offset(local);
    return local - this.offset(guess);
  }

  #parts(ms: number): Parts {
    const found = new Map(this.#format.formatToParts(ms).map((part) => [part.type, Number(part.value)]));
    const get = (type: Intl.DateTimeFormatPartTypes): number => found.get(type) ?? 0;
    return {
      year: get("year"),
      month: get("month"),
      day: get("day"),
      hour: get("hour"),
      minute: get("minute"),
      second: get("second"),
    };
  }
}

function isoDate(p: Parts): string {
  return `${String(p.year).padStart(4, "0")}-${pad(p.month)}-${pad(p.day)}`;
}

function asUtc(p: Parts): number {
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second);
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

/** The distance between two marks of an axis so that each has at least `room` pixels. */
export function tickStep(span: number, width: number, room: number): number {
  const wanted = (span * room) / Math.max(width, 1);
  return STEPS.find((step) => step >= wanted) ?? 86_400_000;
}

/** Marks on whole local steps inside [from, to]. */
export function ticks(from: number, to: number, step: number, offset: number): number[] {
  const first = Math.ceil((from + offset) / step) * step - offset;
  const count = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length: Math.min(count, 200) }, (_, i) => first + i * step);
}
