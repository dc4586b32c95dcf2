// Times as people read them: in UTC as in the report of the command line, and in the zone of whoever looks.

/** `2026-11-22 10:00:00.000`, in UTC. */
export function utcText(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace(/Z$/, "");
}

/** A zone by its name, `Asia/Almaty`, with its offset at each moment. */
export class Zone {
  readonly #parts: Intl.DateTimeFormat;

  constructor(readonly name: string) {
    const two = "2-digit";
    this.#parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: name, hourCycle: "h23", year: "numeric", month: two, day: two, hour: two, minute: two, second: two, timeZoneName: "longOffset",
    });
  }

  static ofReader(): Zone {
    return new Zone(new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  }

  get isUtc(): boolean {
    return ["UTC", "Etc/UTC", "GMT", "Etc/GMT"].includes(this.name);
  }

  /** `2026-11-22 15:00:00.000`. */
  text(ms: number): string {
    const { year, month, day, hour, minute, second } = this.#at(ms);
    const rest = String(((ms % 1000) + 1000) % 1000).padStart(3, "0");
    return `${year}-${month}-${day} ${hour}:${minute}:${second}.${rest}`;
  }

  /** `Asia/Almaty, UTC+05:00`. */
  label(ms: number): string {
    const offset = this.#at(ms)["timeZoneName"]!.replace("GMT", "UTC");
    return this.name === "UTC" ? "UTC" : `${this.name}, ${offset}`;
  }

  #at(ms: number): Record<string, string> {
    return Object.fromEntries(this.#parts.formatToParts(ms).map(({ type, value }) => [type, value]));
  }
}

/** The two ends of a stretch; the day is told again only where it changes. */
export function spanText(from: number, to: number, text: (ms: number) => string): readonly [string, string] {
  const [first, last] = [text(from), text(to)];
  return [first, first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last];
}
