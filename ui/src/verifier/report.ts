// The verdict in words, and the separate findings it follows from. The same as in packages/verify.

import type { Manifest } from "./manifest";
import { type Said, said, tell } from "./said";

/** In order of badness; worst wins. */
export const VERDICTS = [
  "VERIFIED", "GAP", "LATE", "UNWITNESSED", "SILENT_HOLE", "NOT_IN_LOG", "UNKNOWN_KEY", "FAILED",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Exit codes of `aigaq verify`. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = {
  VERIFIED: 0, GAP: 3, LATE: 10, UNWITNESSED: 9, SILENT_HOLE: 4, NOT_IN_LOG: 5, UNKNOWN_KEY: 6, FAILED: 7,
};

export const HEADLINES: Readonly<Record<Verdict, string>> = {
  VERIFIED: "whole and unchanged, as the polling station sealed it",
  GAP: "unchanged, but time without footage or without contact is on record",
  LATE: "unchanged since witnesses saw it, but that was more than 60 s after the time it claims",
  UNWITNESSED: "in the log, but not confirmed by a quorum of the witnesses that you trust",
  SILENT_HOLE: "time is missing, and nobody has signed for it",
  NOT_IN_LOG: "a part of this is not proven to be in the election's log",
  UNKNOWN_KEY: "nothing that you trust shows that a polling station sealed this",
  FAILED: "this is not what the polling station sealed; do not rely on it",
};

export const CAUSES: Readonly<Record<string, string>> = {
  no_connect: "the camera could not be reached",
  no_rtp: "the camera was connected but sent nothing",
  rtp_loss: "what the camera sent was lost on the way",
  no_idr: "the camera sent no picture to start from",
  disk_full: "the disk was full",
  restart: "the recorder restarted",
  clock_step: "the recorder's clock was set",
  operator: "a person stopped the recording",
  off_duty: "the camera was off duty",
  absence: "the centre heard nothing from the polling station",
};

export const CHECKS = ["bytes", "records", "log", "witnesses", "time", "key", "interval", "files"] as const;
const SHOWN = 10;

export function worst(verdicts: Iterable<Verdict>): Verdict {
  return VERDICTS[Math.max(0, ...[...verdicts].map((verdict) => VERDICTS.indexOf(verdict)))]!;
}

export interface Line {
  readonly check: string;
  readonly verdict: Verdict;
  readonly text: Said;
}

/** Time without footage or contact inside the interval; `cause` is null where nobody signed for it. */
export interface Stretch {
  readonly from: number;
  /** Null where it was not over yet; before `from` where the clock was set back. */
  readonly to: number | null;
  readonly cause: string | null;
}

/** A piece of footage, for the picture. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly seq: number;
}

export interface ClipReport {
  readonly clip: Manifest;
  readonly lines: readonly Line[];
  readonly stretches: readonly Stretch[];
  readonly pieces: readonly Piece[];
  /** The times are null where nothing proves one. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
}

/** One clip, or an evidence package with lines of its own. */
export interface Report {
  readonly verdict: Verdict;
  readonly isPackage: boolean;
  readonly lines: readonly Line[];
  readonly clips: readonly ClipReport[];
}

export function verdictOf(clip: ClipReport): Verdict {
  return worst(clip.lines.map((line) => line.verdict));
}

interface Problems {
  readonly check: string;
  readonly verdict: Verdict;
  readonly told: Said[];
  readonly words: Set<string>;
  more: number;
}

/** What is right or wrong, by line; of each verdict the first few problems in words, the others counted. */
export class Findings {
  readonly #good = new Map<string, Said>();
  readonly #bad = new Map<string, Problems>();

  /** What the line says if nothing is wrong. */
  good(check: string, text: Said): void {
    this.#good.set(check, text);
  }

  /** Something is wrong; the same words count once. */
  bad(check: string, verdict: Verdict, problem: Said): void {
    const name = `${check} ${verdict}`;
    const found = this.#bad.get(name) ?? { check, verdict, told: [], words: new Set<string>(), more: 0 };
    this.#bad.set(name, found);
    const words = tell(problem);
    if (found.words.has(words)) return;
    if (found.told.length === SHOWN) {
      found.more += 1;
    } else {
      found.words.add(words);
      found.told.push(problem);
    }
  }

  /** The line, its worst problems first. */
  line(check: string): Line {
    const found = [...this.#bad.values()].filter((problems) => problems.check === check);
    if (!found.length) return { check, verdict: "VERIFIED", text: this.#good.get(check) ?? said("nothing") };
    found.sort((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict));
    const more = found.reduce((sum, problems) => sum + problems.more, 0);
    const rest = more ? [said("and {count} more", { count: more })] : [];
    return { check, verdict: found[0]!.verdict, text: [...found.flatMap(({ told }) => told), ...rest] };
  }
}

/** For programs, and to compare with `aigaq verify --json`. */
export function asJson(report: Report): object {
  const { verdict, isPackage, lines, clips } = report;
  return isPackage ? { ...head(verdict), lines: lines.map(lineJson), clips: clips.map(clipJson) } : clipJson(clips[0]!);
}

function clipJson(report: ClipReport): object {
  const { election, station, camera, stream, from, to, origin, log } = report.clip;
  return {
    ...head(verdictOf(report)),
    not_before_ms: report.notBefore,
    not_after_ms: report.notAfter,
    clip: { election, station, camera, stream, from_ms: from, to_ms: to, origin, log },
    lines: report.lines.map(lineJson),
    stretches: report.stretches.map((stretch) => ({ from_ms: stretch.from, to_ms: stretch.to, cause: stretch.cause })),
  };
}

function head(verdict: Verdict): object {
  return { verdict, exit_code: EXIT_CODES[verdict], headline: HEADLINES[verdict] };
}

function lineJson({ check, verdict, text }: Line): object {
  return { check, verdict, text: tell(text) };
}
