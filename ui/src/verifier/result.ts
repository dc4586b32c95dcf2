// A report as the page shows it: the verdict, the proven interval, each line, what is missing, and a small picture.

import { h, icon, svg, type Tone } from "./dom";
import type { Speaker } from "./languages";
import { CAUSES, type ClipReport, HEADLINES, type Line, type Piece, type Report, type Stretch, type Verdict, verdictOf } from "./report";
import type { Said } from "./said";
import { spanText, utcText, type Zone } from "./times";

const TONES: Readonly<Record<Verdict, Tone>> = {
  VERIFIED: "good", GAP: "warn", LATE: "warn", UNWITNESSED: "warn", SILENT_HOLE: "bad", NOT_IN_LOG: "bad", UNKNOWN_KEY: "none", FAILED: "bad",
};
const WIDTH = 1000;
const HEIGHT = 46;
const LEAST = 3;

export interface Refusal {
  readonly verdict: "NOT A CLIP" | "NO VERDICT";
  readonly reason: Said;
}

export class ResultView {
  constructor(private readonly speaker: Speaker, private readonly zone: Zone) {}

  nodes(report: Report, fileName: string): Node[] {
    const own = report.isPackage ? [this.#banner(report.verdict, [[this.say("File"), fileName]], null), this.#findings(report.lines)] : [];
    return [...own, ...report.clips.flatMap((clip) => this.#clip(clip, report.isPackage ? null : fileName))];
  }

  /** Nothing was judged: the file is no clip, or the trust file cannot be used. */
  refusal({ verdict, reason }: Refusal): Node {
    return h("div", { class: "card verdict tone-none", "data-verdict": verdict },
      icon("none"), h("h2", {}, this.say(verdict)), h("p", {}, this.speaker.tell(reason)));
  }

  private say(words: string, facts: Parameters<Speaker["say"]>[1] = {}): string {
    return this.speaker.say(words, facts);
  }

  #clip(report: ClipReport, fileName: string | null): Node[] {
    const { clip } = report;
    const facts: [string, string | Node][] = [
      ...(fileName ? [[this.say("File"), fileName] as [string, string]] : []),
      [this.say("Polling station"), clip.station],
      [this.say("Camera"), `${clip.camera} (${clip.stream})`],
      [this.say("Election"), clip.election],
      [this.say("It claims to show"), this.#span(clip.from, clip.to)],
    ];
    return [
      this.#banner(verdictOf(report), facts, report),
      this.#coverage(report),
      this.#findings(report.lines),
    ];
  }

  #banner(verdict: Verdict, facts: readonly (readonly [string, string | Node])[], report: ClipReport | null): Node {
    const list = h("dl", { class: "facts" });
    if (report) {
      list.append(h("dt", {}, this.say("Not before")), h("dd", { class: "between" }, this.#moment(report.notBefore)));
      list.append(h("dt", {}, this.say("Not after")), h("dd", { class: "between" }, this.#moment(report.notAfter)));
    }
    for (const [name, value] of facts) list.append(h("dt", {}, name), h("dd", {}, value));
    const tone = TONES[verdict];
    const words = this.say(verdict.replaceAll("_", " "));
    return h("div", { class: `card verdict tone-${tone}`, "data-verdict": verdict },
      icon(tone), h("h2", {}, words), h("p", {}, `${capital(this.say(HEADLINES[verdict]))}.`), list);
  }

  #moment(ms: number | null): Node {
    if (ms === null) return document.createTextNode(this.say("nothing proves it"));
    return this.#lines(`${utcText(ms)} UTC`, `${this.zone.text(ms)} ${this.zone.label(ms)}`);
  }

  #span(from: number, to: number): Node {
    const dash = ([first, last]: readonly [string, string]): string => `${first} – ${last}`;
    const here = dash(spanText(from, to, (ms) => this.zone.text(ms)));
    return this.#lines(`${dash(spanText(from, to, utcText))} UTC`, `${here} ${this.zone.label(from)}`);
  }

  /** The same in UTC and in the reader's zone. */
  #lines(utc: string, here: string): Node {
    return this.zone.isUtc ? document.createTextNode(utc) : h("span", {}, utc, h("br"), h("span", { class: "quiet" }, here));
  }

  #findings(lines: readonly Line[]): Node {
    const items = lines.map((line) => h("li", { class: `tone-${TONES[line.verdict]}`, "data-check": line.check },
      icon(TONES[line.verdict]),
      h("strong", {}, this.say(line.check), line.verdict === "VERIFIED" ? null : h("small", {}, ` · ${this.say(line.verdict.replaceAll("_", " "))}`)),
      h("p", {}, this.speaker.tell(line.text))));
    return h("div", { class: "card step" }, h("h3", {}, this.say("What was checked")), h("ul", { class: "findings" }, ...items));
  }

  // Time with and without footage

  #coverage(report: ClipReport): Node {
    const { from, to } = viewOf(report);
    const ends = spanText(from, to, utcText);
    return h("div", { class: "card step" },
      h("h3", {}, this.say("Footage and gaps")),
      this.#picture(report, from, to),
      h("p", { class: "ends" }, h("span", {}, `${ends[0]} UTC`), h("span", {}, `${ends[1]} UTC`)),
      h("ul", { class: "looks" }, this.#look("recorded", "footage"), this.#look("gap", "signed gap or absence"), this.#look("missing", "silent hole")),
      report.stretches.length ? this.#stretches(report.stretches) : null,
      this.#segments(report.pieces));
  }

  #look(name: string, words: string): Node {
    return h("li", {}, svg("svg", { viewBox: "0 0 26 13", "aria-hidden": "true" }, svg("rect", { class: name, width: 26, height: 13 })), this.say(words));
  }

  #picture(report: ClipReport, from: number, to: number): Node {
    const scale = (ms: number): number => ((Math.min(Math.max(ms, from), to) - from) / (to - from)) * WIDTH;
    const bar = (look: string, start: number, end: number, top: number, height: number): SVGElement => {
      const [x, last] = [scale(Math.min(start, end)), scale(Math.max(start, end))];
      return svg("rect", { class: look, x: x.toFixed(2), y: top, width: Math.max(last - x, LEAST).toFixed(2), height });
    };
    const footage = merged(report.pieces).map((piece) => bar("recorded", piece.from, piece.to, 6, HEIGHT - 12));
    const missing = report.stretches.map((stretch) => bar(stretch.cause ? "gap" : "missing", stretch.from, stretch.to ?? to, 6, HEIGHT - 12));
    const asked = bar("asked", report.clip.from, report.clip.to, 1, HEIGHT - 2);
    const label = this.say("Footage and gaps over time");
    return svg("svg", { class: "picture", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, ...footage, ...missing, asked);
  }

  #stretches(stretches: readonly Stretch[]): Node {
    const rows = stretches.map((stretch) => h("tr", { "data-look": stretch.cause ? "gap" : "missing" },
      h("td", {}, stretch.to === null ? this.#open(stretch.from) : this.#span(stretch.from, stretch.to)),
      h("td", { class: "nowrap" }, stretch.to === null ? "" : this.say("{seconds} s", { seconds: ((stretch.to - stretch.from) / 1000).toFixed(3) })),
      h("td", {}, this.causeText(stretch.cause))));
    const names = ["Time", "Length", "Cause"].map((name) => h("th", { scope: "col" }, this.say(name)));
    return h("div", { class: "rows" }, h("table", {}, h("thead", {}, h("tr", {}, ...names)), h("tbody", {}, ...rows)));
  }

  #open(from: number): Node {
    return h("span", {}, this.say("since"), " ", this.#moment(from), h("br"), this.say("not over when this was made: what follows is not shown"));
  }

  causeText(cause: string | null): string {
    return this.say(cause === null ? "nobody signed for it" : CAUSES[cause]!);
  }

  /** All segments, listed when somebody wants to see them. */
  #segments(pieces: readonly Piece[]): Node | null {
    if (!pieces.length) return null;
    const details = h("details", {}, h("summary", {}, this.say("All segments: {count}", { count: pieces.length })));
    details.addEventListener("toggle", () => {
      const rows = pieces.map(({ from, to, seq }) => h("tr", {}, h("th", { scope: "row" }, `№ ${seq}`), h("td", {}, this.#span(from, to))));
      details.append(h("div", { class: "rows" }, h("table", {}, h("tbody", {}, ...rows))));
    }, { once: true });
    return details;
  }

  // As text, in the shape of the command line

  text(report: Report, fileName: string): string {
    const lines = report.isPackage ? [`${fileName}: ${this.#headline(report.verdict)}`, ...report.lines.map((line) => this.#lineText(line)), ""] : [];
    return [...lines, ...report.clips.map((clip) => this.#clipText(clip))].join("\n");
  }

  #clipText(report: ClipReport): string {
    const { clip } = report;
    const [low, high] = [report.notBefore, report.notAfter].map((ms) => (ms === null ? this.say("nothing proves it") : this.#momentText(ms)));
    return [
      this.#headline(verdictOf(report)),
      `  ${this.say("Not before")}: ${low}`,
      `  ${this.say("Not after")}: ${high}`,
      `  ${this.say("Polling station")} ${clip.station}, ${this.say("Camera")} ${clip.camera} (${clip.stream}), ${this.say("Election")} ${clip.election}`,
      `  ${this.say("It claims to show")}: ${this.#spanText(clip.from, clip.to)}`,
      "",
      ...report.lines.flatMap((line) => [this.#lineText(line), ...(line.check === "interval" ? report.stretches.map((each) => this.#stretchText(each)) : [])]),
      "",
    ].join("\n");
  }

  #headline(verdict: Verdict): string {
    return `${this.say(verdict.replaceAll("_", " "))}: ${this.say(HEADLINES[verdict])}.`;
  }

  #lineText({ check, verdict, text }: Line): string {
    return `  [${this.say(verdict.replaceAll("_", " "))}] ${this.say(check)}: ${this.speaker.tell(text)}`;
  }

  #stretchText({ from, to, cause }: Stretch): string {
    const when = to === null ? `${this.say("since")} ${this.#momentText(from)}` : this.#spanText(from, to);
    return `      ${when}; ${this.causeText(cause)}`;
  }

  #momentText(ms: number): string {
    return this.zone.isUtc ? `${utcText(ms)} UTC` : `${utcText(ms)} UTC = ${this.zone.text(ms)} ${this.zone.label(ms)}`;
  }

  #spanText(from: number, to: number): string {
    return `${spanText(from, to, utcText).join(" – ")} UTC`;
  }
}

function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}

/** What the picture covers: all that the rows tell, and the interval asked for. */
function viewOf({ clip, pieces, stretches }: ClipReport): { from: number; to: number } {
  let { from, to } = clip;
  for (const each of [...pieces, ...stretches]) {
    from = Math.min(from, each.from, each.to ?? from);
    to = Math.max(to, each.to ?? to, each.from);
  }
  return { from, to };
}

/** Neighbours that meet become one bar. */
function merged(pieces: readonly Piece[]): { from: number; to: number }[] {
  const bars: { from: number; to: number }[] = [];
  for (const { from, to } of pieces) {
    const before = bars.at(-1);
    if (before && Math.abs(from - before.to) <= 500) before.to = Math.max(before.to, to);
    else bars.push({ from, to });
  }
  return bars;
}
