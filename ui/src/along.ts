// <aigaq-along>: a citizen's own tally beside the film. The number fields are a plain form; keys and buttons add to them.

import { digitOf, typeDigit } from "./typed-number";

const BACK_S = 5;
const DIGIT_WAIT_MS = 700;

type Tick = readonly [second: number, field: string];

class AigaqAlong extends HTMLElement {
  #ticks: Tick[] = [];
  #pending = "";
  #wait = 0;

  connectedCallback(): void {
    for (const part of this.querySelectorAll<HTMLElement>("[hidden]")) part.hidden = false;
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("input", () => this.#add());
    document.addEventListener("keydown", this.#typed);
    this.#add();
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#typed);
  }

  get #video(): HTMLVideoElement {
    return this.querySelector("video")!;
  }

  #buttons(): readonly HTMLButtonElement[] {
    return [...this.querySelectorAll<HTMLButtonElement>(".tick")];
  }

  #input(field: string): HTMLInputElement {
    return this.querySelector<HTMLInputElement>(`input[name="n-${CSS.escape(field)}"]`)!;
  }

  #clicked(event: MouseEvent): void {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button?.classList.contains("tick")) this.#tick(button);
    else if (button?.hasAttribute("data-undo")) this.#undo();
    else if (button?.hasAttribute("data-play")) this.#play();
    else if (button?.hasAttribute("data-back")) this.#video.currentTime -= BACK_S;
  }

  #tick(button: HTMLButtonElement | undefined): boolean {
    const field = button?.dataset["field"];
    if (!button || field === undefined) return false;
    this.#ticks.push([Number(this.#video.currentTime.toFixed(1)), field]);
    this.#change(field, 1);
    return true;
  }

  #undo(): void {
    const last = this.#ticks.pop();
    if (last) this.#change(last[1], -1);
  }

  #change(field: string, by: number): void {
    const input = this.#input(field);
    input.value = String(Math.max(0, Number(input.value) + by));
    const row = input.closest("li");
    row?.setAttribute("data-ticked", "");
    setTimeout(() => row?.removeAttribute("data-ticked"), 250);
    this.#add();
  }

  #add(): void {
    const sum = this.#buttons().reduce((all, b) => all + Number(this.#input(b.dataset["field"]!).value), 0);
    this.querySelector("output")!.textContent = String(sum);
    this.querySelector<HTMLInputElement>("input[name=ticks]")!.value = JSON.stringify(this.#ticks);
  }

  #play(): void {
    if (this.#video.paused) void this.#video.play().catch(() => undefined);
    else this.#video.pause();
  }

  readonly #typed = (event: KeyboardEvent): void => {
    const target = event.target;
    const busy = target instanceof HTMLInputElement || target instanceof HTMLVideoElement;
    const pressing = target instanceof HTMLButtonElement && event.code === "Space";
    if (event.ctrlKey || event.metaKey || event.altKey || busy || pressing) return;
    if (this.#act(event.code)) event.preventDefault();
  };

  #act(code: string): boolean {
    const digit = digitOf(code);
    const rows = this.#buttons();
    if (code === "Space") return this.#play(), true;
    if (code === "KeyU") return this.#undo(), true;
    if (code === "ArrowLeft") return (this.#video.currentTime -= BACK_S), true;
    if (code === "KeyI" || (digit === "0" && !this.#pending)) return this.#tick(rows.at(-1));
    return digit !== null && this.#digit(digit, rows.slice(0, -1));
  }

  #digit(digit: string, rows: readonly HTMLButtonElement[]): boolean {
    clearTimeout(this.#wait);
    const { chosen, pending } = typeDigit(this.#pending, digit, rows.length);
    this.#pending = pending;
    if (chosen !== null) return this.#tick(rows[chosen - 1]);
    if (pending) {
      this.#wait = setTimeout(() => {
        this.#pending = "";
        this.#tick(rows[Number(pending) - 1]);
      }, DIGIT_WAIT_MS);
    }
    return true;
  }
}

customElements.define("aigaq-along", AigaqAlong);
