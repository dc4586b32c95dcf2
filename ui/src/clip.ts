// <aigaq-clip>: the form that takes a stretch out of the archive. It tells the length and what is missing in it;
// the download itself is a plain form that works without scripts.

import { recordedWithin, type Span } from "./coverage";
import type { ZoneClock } from "./time";
import { type Page, say } from "./words";

export interface Selection {
  readonly from: number;
  readonly to: number;
}

/** What can be said of a chosen stretch; `problem` names the text why it cannot be taken. */
export type Verdict =
  | { readonly problem: string }
  | { readonly problem: null; readonly length: number; readonly recorded: number };

export function judge(from: number | null, to: number | null, spans: readonly Span[], now: number): Verdict {
  if (from === null || to === null) return { problem: "clip_choose" };
  if (from >= to) return { problem: "clip_backwards" };
  if (to > now) return { problem: "clip_future" };
  const recorded = recordedWithin(spans, from, to);
  return recorded > 0 ? { problem: null, length: to - from, recorded } : { problem: "clip_empty" };
}

/** `1:02:03` or `2:03`. */
export function lengthText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (n: number): string => String(n).padStart(2, "0");
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

const Base = (globalThis.HTMLElement ?? Object) as typeof HTMLElement;

export class AigaqClip extends Base {
  #page!: Page;
  #clock!: ZoneClock;
  #spans: (camera: string) => readonly Span[] = () => [];
  #now: () => number = () => 0;
  #asked = 0;

  begin(page: Page, clock: ZoneClock, spans: (camera: string) => readonly Span[], now: () => number): void {
    this.#page = page;
    this.#clock = clock;
    this.#spans = spans;
    this.#now = now;
    this.addEventListener("input", () => this.#changed());
    for (const part of this.querySelectorAll<HTMLElement>("[data-scripted]")) part.hidden = false;
    this.#changed();
  }

  /** Sets one end to a moment; the other end follows where it would stand on the wrong side. */
  mark(end: "from" | "to", ms: number): void {
    this.#input(end).value = this.#clock.inputValue(Math.floor(ms / 1000) * 1000);
    this.#changed();
  }

  choose(camera: string): void {
    this.#form.elements.namedItem("camera") instanceof HTMLSelectElement && (this.#select.value = camera);
    this.#changed();
  }

  get #form(): HTMLFormElement {
    return this.querySelector("form")!;
  }

  get #select(): HTMLSelectElement {
    return this.querySelector<HTMLSelectElement>("select[name=camera]")!;
  }

  #input(end: "from" | "to"): HTMLInputElement {
    return this.querySelector<HTMLInputElement>(`input[name=${end}]`)!;
  }

  #changed(): void {
    const [from, to] = [this.#clock.fromInput(this.#input("from").value), this.#clock.fromInput(this.#input("to").value)];
    const verdict = judge(from, to, this.#spans(this.#select.value), this.#now());
    for (const button of this.querySelectorAll<HTMLButtonElement>("button[name=kind]")) button.disabled = verdict.problem !== null;
    const facts = this.querySelector<HTMLElement>(".clip-facts")!;
    facts.textContent = verdict.problem === null ? this.#tell(verdict.length, verdict.recorded) : say(this.#page.words, verdict.problem);
    const selection = from !== null && to !== null && from < to ? { from, to } : null;
    this.dispatchEvent(new CustomEvent("aigaq-select", { bubbles: true, detail: selection }));
    if (verdict.problem === null) void this.#askSize();
  }

  #tell(length: number, recorded: number): string {
    const missing = length - recorded;
    const words = { length: lengthText(length), missing: lengthText(missing) };
    return say(this.#page.words, missing >= 1000 ? "clip_with_gaps" : "clip_whole", words);
  }

  /** The exact size from the archive, once nothing has changed for a moment. */
  async #askSize(): Promise<void> {
    const asked = (this.#asked += 1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    if (asked !== this.#asked) return;
    const fields = new URLSearchParams([...new FormData(this.#form)].map(([name, value]) => [name, String(value)]));
    const answer = await fetch(`${this.#form.action}?${fields}&kind=facts`, { headers: { accept: "application/json" } }).catch(() => null);
    if (!answer || asked !== this.#asked) return;
    const told = (await answer.json()) as { readonly text?: string; readonly why?: string };
    const facts = this.querySelector<HTMLElement>(".clip-facts")!;
    if (told.text) facts.textContent += ` · ${told.text}`;
    else if (told.why) facts.textContent = told.why;
  }
}

globalThis.customElements?.define("aigaq-clip", AigaqClip);
