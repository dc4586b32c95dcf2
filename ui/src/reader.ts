// <aigaq-reader>: one ballot after the other. The form inside works without it; here keys answer, the next question is
// loaded while one reads, and an answer is sent while the next ballot is already shown.

import { digitOf, typeDigit } from "./typed-number";

const DIGIT_WAIT_MS = 700;
const ZOOM = 2.5;

/** The lines that the server says of one's own progress. */
interface Kept {
  readonly line: string;
}

class AigaqReader extends HTMLElement {
  #ahead: HTMLFormElement | null = null;
  #since = 0;
  #pending = "";
  #wait = 0;
  /** Answers go one after the other, and the next question is asked for when the last answer is kept. */
  #sent: Promise<void> = Promise.resolve();

  connectedCallback(): void {
    this.addEventListener("submit", (event) => this.#submitted(event));
    this.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", this.#typed);
    this.#since = performance.now();
    if (this.#form) this.#sent = this.#load("ahead").then((form) => void (this.#ahead = form), () => undefined);
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#typed);
  }

  get #form(): HTMLFormElement | null {
    return this.querySelector("form.question");
  }

  get #rule(): string {
    return this.hasAttribute("data-rule") ? "&rule=1" : "";
  }

  #submitted(event: SubmitEvent): void {
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement) || !this.#form) return;
    event.preventDefault();
    this.#answer(this.#form, button.value);
  }

  #answer(form: HTMLFormElement, code: string): void {
    const fields = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    fields.set("answer", code);
    fields.set("seconds", ((performance.now() - this.#since) / 1000).toFixed(2));
    const next = this.#takeAhead();
    if (next) this.#show(next);
    else form.inert = true;
    this.#sent = this.#sent.then(() => this.#send(form, fields, next !== null));
  }

  async #send(form: HTMLFormElement, fields: URLSearchParams, shown: boolean): Promise<void> {
    const answer = await fetch(this.dataset["read"]!, { method: "POST", body: fields, headers: { accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return this.#failed(form, answer);
    const kept = (await answer.json()) as Kept;
    this.querySelector(".reader-line")!.textContent = kept.line;
    this.#fault.hidden = true;
    this.#offerUndo();
    if (!shown) this.#showOrEnd(this.#takeAhead() ?? (await this.#load("next").catch(() => null)));
    this.#ahead ??= this.#form ? await this.#load("ahead").catch(() => null) : null;
  }

  /** The next question, where it has been loaded: from then on it is no longer ahead. */
  #takeAhead(): HTMLFormElement | null {
    const ahead = this.#ahead;
    this.#ahead = null;
    return ahead;
  }

  /** Shows the ballot again whose answer was lost, and says why. */
  async #failed(form: HTMLFormElement, answer: Response | null): Promise<void> {
    form.inert = false;
    const told = (await answer?.json().catch(() => null)) as { readonly why?: string; readonly hint?: string } | null | undefined;
    if (told?.why) this.#fault.firstElementChild!.textContent = `${told.why} ${told.hint ?? ""}`;
    this.#fault.hidden = false;
    if (this.#form !== form) {
      this.#ahead = this.#form;
      this.#show(form);
    }
  }

  get #fault(): HTMLElement {
    return this.querySelector<HTMLElement>(".reader-fault")!;
  }

  #offerUndo(): void {
    const more = this.querySelector(".reader-more")!;
    if (!more.querySelector("[data-undo]")) more.prepend(this.#undoLink());
  }

  #undoLink(): Node {
    const link = this.querySelector<HTMLTemplateElement>("template.undo")!;
    return link.content.cloneNode(true);
  }

  async #load(kind: "next" | "ahead" | "again"): Promise<HTMLFormElement | null> {
    const answer = await fetch(`${this.dataset["read"]}/part?kind=${kind}${this.#rule}`, { headers: { accept: "text/html" } });
    if (answer.status !== 200) return null;
    const form = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector<HTMLFormElement>("form.question");
    for (const address of form?.dataset["pictures"]?.split(" ") ?? []) if (address) new Image().src = address;
    return form;
  }

  #showOrEnd(form: HTMLFormElement | null): void {
    if (form) return this.#show(form);
    this.querySelector(".reader-question")!.replaceChildren();
    this.querySelector<HTMLElement>(".reader-done")!.hidden = false;
  }

  #show(form: HTMLFormElement): void {
    form.inert = false;
    this.querySelector(".reader-question")!.replaceChildren(document.adoptNode(form));
    this.querySelector<HTMLElement>(".reader-done")!.hidden = true;
    this.#since = performance.now();
    this.#pending = "";
  }

  readonly #typed = (event: KeyboardEvent): void => {
    const form = this.#form;
    const writing = event.target instanceof HTMLInputElement;
    if (event.ctrlKey || event.metaKey || event.altKey || writing || form?.inert) return;
    if (this.#act(event.code, form)) event.preventDefault();
  };

  /** Whether the key meant something. */
  #act(code: string, form: HTMLFormElement | null): boolean {
    if (code === "KeyU") return void this.#undo(), true;
    if (!form) return false;
    const digit = digitOf(code);
    const grounds = form.querySelector<HTMLDetailsElement>("details.invalid")!;
    if (code === "KeyI" || (digit === "0" && !this.#pending)) return (grounds.open = !grounds.open), true;
    if (code === "Escape") return (grounds.open = false), true;
    if (code === "KeyZ") return this.#zoom(form.querySelector(".ballot-sheet"), 0.9, 0.4), true;
    if (code === "KeyR" || code === "KeyS") return this.#press(form, `[data-key="${code.slice(3)}"]`);
    if (code === "Enter" && this.#pending) return this.#choose(form, Number(this.#pending));
    if (digit === null) return false;
    if (grounds.open) return this.#press(form, `[data-ground="${digit}"]`);
    return this.#digit(form, digit);
  }

  #digit(form: HTMLFormElement, digit: string): boolean {
    clearTimeout(this.#wait);
    const { chosen, pending } = typeDigit(this.#pending, digit, form.querySelectorAll("[data-number]").length);
    this.#pending = pending;
    if (chosen !== null) return this.#choose(form, chosen);
    if (pending) this.#wait = setTimeout(() => this.#choose(form, Number(pending)), DIGIT_WAIT_MS);
    return true;
  }

  #choose(form: HTMLFormElement, number: number): boolean {
    clearTimeout(this.#wait);
    this.#pending = "";
    return form === this.#form && this.#press(form, `[data-number="${number}"]`);
  }

  #press(form: HTMLFormElement, selector: string): boolean {
    const button = form.querySelector<HTMLButtonElement>(selector);
    if (!button) return false;
    form.requestSubmit(button);
    return true;
  }

  #clicked(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-undo]")) {
      event.preventDefault();
      void this.#undo();
    }
    const sheet = target?.closest<HTMLElement>(".ballot-sheet");
    if (sheet && target?.closest("a")) {
      event.preventDefault();
      const box = sheet.querySelector("img")!.getBoundingClientRect();
      this.#zoom(sheet, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    }
  }

  /** Enlarges the sheet around a point of it, told as shares of its width and height; or makes it small again. */
  #zoom(sheet: HTMLElement | null, x: number, y: number): void {
    const frame = sheet?.querySelector<HTMLElement>("a");
    if (!sheet || !frame) return;
    sheet.dataset["zoom"] = sheet.dataset["zoom"] === "yes" ? "no" : "yes";
    frame.scrollTo(x * frame.clientWidth * ZOOM - frame.clientWidth / 2, y * frame.scrollHeight - frame.clientHeight / 2);
  }

  /** Shows the last ballot once more; the present one comes after it. */
  async #undo(): Promise<void> {
    await this.#sent;
    const form = await this.#load("again").catch(() => null);
    if (!form) return;
    const shown = this.#form;
    if (shown && shown.querySelector<HTMLInputElement>("[name=question]")!.value !== form.querySelector<HTMLInputElement>("[name=question]")!.value) {
      this.#ahead = shown;
    }
    this.#show(form);
  }
}

customElements.define("aigaq-reader", AigaqReader);
