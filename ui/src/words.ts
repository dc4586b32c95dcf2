// The page's own texts and facts: the server translates, the scripts only choose.

import type { Look } from "./coverage";

/** What the station page tells its scripts in its data block. Times in UTC milliseconds. */
export interface Page {
  readonly station: string;
  readonly time_zone: string;
  readonly date_order: "dmy" | "ymd";
  readonly now_ms: number;
  /** The stretch that the timeline covers: duty, as far as it matters. */
  readonly from_ms: number;
  readonly to_ms: number;
  /** How far the timeline may grow as time goes on. */
  readonly end_ms: number;
  /** End of the station's newest footage. */
  readonly last_ms: number | null;
  /** Where the timeline begins to look: the first footage. */
  readonly view_from_ms: number;
  readonly camera: string;
  readonly t_ms: number | null;
  readonly cameras: readonly PageCamera[];
  readonly words: Words;
}

export interface PageCamera {
  readonly id: string;
  readonly name: string;
}

export interface Words {
  readonly looks: Readonly<Record<Look, string>>;
  readonly causes: Readonly<Record<string, string>>;
  readonly [text: string]: string | Readonly<Record<string, string>>;
}

/** Reads the JSON block that the page carries. */
export function readPage(element: Element | null): Page {
  if (!element?.textContent) throw new Error("the page carries no data block");
  return JSON.parse(element.textContent) as Page;
}

/** A text with its blanks filled: `{time}` and the like. */
export function say(words: Words, text: string, facts: Readonly<Record<string, string | number>> = {}): string {
  const found = words[text];
  if (typeof found !== "string") throw new Error(`the page has no text “${text}”`);
  return found.replace(/\{(\w+)\}/g, (blank, name: string) => String(facts[name] ?? blank));
}

/** A stretch in words: `Gap: the camera could not be reached`. */
export function sayState(words: Words, look: Look, cause: string | null): string {
  const reason = cause && look === "gap" ? words.causes[cause] : undefined;
  return reason ? `${words.looks[look]}: ${reason}` : words.looks[look];
}

