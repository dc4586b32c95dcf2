// Draws a ballot style over its blank and lets one move it. The form's fields hold everything: the server reads nothing
// else, and without this script they are filled in by hand.
import { type Area, type Placed, around, between, moved, numbered, resized, rowFor } from "./areas";

const SVG = "http://www.w3.org/2000/svg";
const STEP_MM = 0.5;
const HANDLE_PX = 11;
const SIDES = ["x", "y", "w", "h"] as const;

interface Shape {
  readonly group: SVGGElement;
  readonly area: SVGRectElement;
  readonly handle: SVGCircleElement;
  readonly row: SVGRectElement | null;
  readonly number: SVGTextElement | null;
}

interface Item {
  /** The fields of a choice; null for the place of the signature. */
  readonly fields: HTMLElement | null;
  readonly shape: Shape;
}

class Editor {
  readonly #form: HTMLFormElement;
  readonly #sheet: Area;
  readonly #svg = create("svg", {});
  readonly #rows: HTMLElement;
  #items: Item[] = [];
  #chosen: Item | null = null;
  #drawing = false;
  #dirty = false;

  constructor(form: HTMLFormElement) {
    this.#form = form;
    this.#sheet = { x: 0, y: 0, w: Number(form.dataset.wide), h: Number(form.dataset.tall) };
    this.#rows = need(form, ".choice-rows");
    this.#svg.setAttribute("viewBox", `0 0 ${this.#sheet.w} ${this.#sheet.h}`);
    need(form, ".blank-sheet").append(this.#svg);
    for (const hidden of form.querySelectorAll<HTMLElement>("[data-tool], [data-hint]")) hidden.hidden = false;
    for (const plain of form.querySelectorAll<HTMLElement>("[data-plain], .drop")) plain.hidden = true;
    this.#rebuild();
    this.#listen();
  }

  #listen(): void {
    this.#form.addEventListener("input", () => {
      this.#changed();
      this.#paint();
    });
    this.#form.addEventListener("submit", () => {
      this.#dirty = false;
    });
    this.#form.addEventListener("focusin", (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".choice-row") : null;
      if (row) this.#choose(this.#items.find((item) => item.fields === row) ?? null);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.#dirty) event.preventDefault();
    });
    this.#tool("draw").addEventListener("click", () => this.#draw(!this.#drawing));
    this.#tool("number").addEventListener("click", () => this.#number());
    this.#tool("delete").addEventListener("click", () => this.#remove(this.#chosen));
    this.#svg.addEventListener("pointerdown", (event) => {
      if (this.#drawing) this.#drawBox(event);
    });
    new ResizeObserver(() => this.#paint()).observe(this.#svg);
  }

  #tool(name: string): HTMLButtonElement {
    return need(this.#form, `[data-tool="${name}"]`);
  }

  /** Shapes for the fields that there are. */
  #rebuild(): void {
    this.#svg.replaceChildren();
    const rows = [...this.#rows.querySelectorAll<HTMLElement>(".choice-row")];
    this.#items = [this.#item(null), ...rows.map((fields) => this.#item(fields))];
    this.#choose(null);
    this.#paint();
  }

  #item(fields: HTMLElement | null): Item {
    const group = create("g", {});
    const row = fields ? create("rect", { class: "row-area" }) : null;
    const area = create("rect", { class: `area ${fields ? "box" : "signature"}`, tabindex: "0", role: "img" });
    const number = fields ? create("text", {}) : null;
    const handle = create("circle", { class: "handle" });
    for (const part of [row, area, number, handle]) if (part) group.append(part);
    this.#svg.append(group);
    const item: Item = { fields, shape: { group, area, handle, row, number } };
    area.addEventListener("focus", () => this.#choose(item));
    area.addEventListener("keydown", (event) => this.#key(event, item));
    area.addEventListener("pointerdown", (event) => this.#drag(event, item, moved));
    handle.addEventListener("pointerdown", (event) => this.#drag(event, item, resized));
    return item;
  }

  #paint(): void {
    const mm = this.#sheet.w / Math.max(this.#svg.clientWidth, 1);
    for (const [n, item] of this.#items.entries()) {
      const { area, handle, row, number } = item.shape;
      const at = this.#read(item, item.fields ? "box" : "area");
      place(area, at);
      area.setAttribute("aria-label", this.#label(item, n));
      set(handle, { cx: at.x + at.w, cy: at.y + at.h, r: HANDLE_PX * mm });
      if (row) place(row, this.#read(item, "row"));
      if (number) {
        set(number, { x: at.x + at.w / 2, y: at.y + at.h / 2, "font-size": Math.min(at.h * 0.55, 9) });
        number.textContent = String(n);
      }
    }
  }

  #label(item: Item, n: number): string {
    const words = this.#form.dataset;
    if (!item.fields) return words.wordSignature ?? "";
    return `${words.wordBox ?? ""} ${n}: ${field(item.fields, document.documentElement.lang)?.value ?? ""}`;
  }

  #input(item: Item, name: string): HTMLInputElement | null {
    return item.fields ? field(item.fields, name) : this.#form.querySelector<HTMLInputElement>(`input[name="${name}"]`);
  }

  #read(item: Item, name: string): Area {
    const [x = 0, y = 0, w = 0, h = 0] = SIDES.map((side) => {
      const value = Number((this.#input(item, `${name}.${side}`)?.value ?? "").replace(",", "."));
      return Number.isFinite(value) && value >= 0 ? value : 0;
    });
    return { x, y, w, h };
  }

  #write(item: Item, name: string, area: Area): void {
    for (const side of SIDES) {
      const input = this.#input(item, `${name}.${side}`);
      if (input) input.value = String(area[side]);
    }
  }

  /** A box that was moved takes its row along where it would leave it. */
  #put(item: Item, area: Area): void {
    this.#write(item, item.fields ? "box" : "area", area);
    if (item.fields) this.#write(item, "row", around(this.#read(item, "row"), area));
    this.#changed();
    this.#paint();
  }

  #changed(): void {
    if (!this.#dirty) this.#tell(this.#form.dataset.wordUnsaved ?? "");
    this.#dirty = true;
  }

  #tell(text: string): void {
    need(this.#form, "[data-status]").textContent = text;
  }

  #choose(item: Item | null): void {
    for (const one of this.#items) {
      one.shape.group.classList.toggle("chosen", one === item);
      one.fields?.classList.toggle("chosen", one === item);
    }
    this.#chosen = item;
    this.#tool("delete").disabled = !item?.fields;
  }

  #key(event: KeyboardEvent, item: Item): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-STEP_MM, 0],
      ArrowRight: [STEP_MM, 0],
      ArrowUp: [0, -STEP_MM],
      ArrowDown: [0, STEP_MM],
    };
    const step = steps[event.key];
    const name = item.fields ? "box" : "area";
    if (step) {
      const change = event.shiftKey ? resized : moved;
      this.#put(item, change(this.#read(item, name), step[0], step[1], this.#sheet));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.#remove(item);
    } else return;
    event.preventDefault();
  }

  #point(event: PointerEvent): { x: number; y: number } {
    const seen = this.#svg.getBoundingClientRect();
    return {
      x: ((event.clientX - seen.left) / seen.width) * this.#sheet.w,
      y: ((event.clientY - seen.top) / seen.height) * this.#sheet.h,
    };
  }

  #drag(event: PointerEvent, item: Item, change: typeof moved): void {
    if (this.#drawing || event.button !== 0) return;
    this.#choose(item);
    const name = item.fields ? "box" : "area";
    const before = this.#read(item, name);
    const from = this.#point(event);
    this.#follow(event, (at) => this.#put(item, change(before, at.x - from.x, at.y - from.y, this.#sheet)));
  }

  /** Until the pointer is lifted. */
  #follow(event: PointerEvent, move: (at: { x: number; y: number }) => void, done: () => void = () => undefined): void {
    const target = event.target as Element;
    target.setPointerCapture(event.pointerId);
    const onMove = (next: Event): void => move(this.#point(next as PointerEvent));
    const end = (): void => {
      target.removeEventListener("pointermove", onMove);
      target.removeEventListener("pointerup", end);
      target.removeEventListener("pointercancel", end);
      done();
    };
    target.addEventListener("pointermove", onMove);
    target.addEventListener("pointerup", end);
    target.addEventListener("pointercancel", end);
  }

  #draw(on: boolean): void {
    this.#drawing = on;
    this.#tool("draw").setAttribute("aria-pressed", String(on));
    this.#svg.classList.toggle("drawing", on);
    if (on) this.#tell(this.#form.dataset.wordDrawing ?? "");
  }

  #drawBox(event: PointerEvent): void {
    event.preventDefault();
    const from = this.#point(event);
    const draft = create("rect", { class: "area draft" });
    this.#svg.append(draft);
    let drawn = between(from.x, from.y, from.x, from.y, this.#sheet);
    this.#follow(
      event,
      (at) => {
        drawn = between(from.x, from.y, at.x, at.y, this.#sheet);
        place(draft, drawn);
      },
      () => {
        draft.remove();
        this.#draw(false);
        if (drawn.w > 2 && drawn.h > 2) this.#add(drawn);
      },
    );
  }

  #add(box: Area): void {
    const others: Placed[] = this.#items
      .filter((item) => item.fields)
      .map((item) => ({ box: this.#read(item, "box"), row: this.#read(item, "row") }));
    const template = need<HTMLTemplateElement>(this.#form, "template");
    const fields = (template.content.cloneNode(true) as DocumentFragment).querySelector<HTMLElement>(".choice-row");
    if (!fields) return;
    const number = freeNumber(this.#rows);
    for (const input of fields.querySelectorAll("input")) input.name = input.name.replace(/^0\./, `${number}.`);
    fields.dataset.row = String(number);
    need(fields, ".drop").hidden = true;
    this.#rows.append(fields);
    this.#rebuild();
    const item = this.#items.find((one) => one.fields === fields);
    if (!item) return;
    this.#write(item, "box", box);
    this.#write(item, "row", rowFor(box, others, this.#sheet));
    const id = this.#input(item, "id");
    if (id) id.value = freeId(this.#rows);
    this.#number();
    const made = this.#items.find((one) => one.fields === fields) ?? null;
    this.#choose(made);
    if (made) field(fields, "kk")?.focus();
  }

  /** The rows in the order of their boxes: the server counts them by the numbers in their fields' names. */
  #number(): void {
    const items = this.#items.filter((item) => item.fields);
    const order = numbered(items.map((item) => ({ box: this.#read(item, "box"), row: this.#read(item, "row") })));
    const rows = order.flatMap((n) => items[n]?.fields ?? []);
    for (const [n, row] of rows.entries()) {
      for (const input of row.querySelectorAll("input")) input.name = input.name.replace(/^\d+\./, `${n + 1}.`);
      row.dataset.row = String(n + 1);
    }
    this.#rows.append(...rows);
    this.#changed();
    this.#rebuild();
  }

  #remove(item: Item | null): void {
    if (!item?.fields) return;
    item.fields.remove();
    this.#changed();
    this.#rebuild();
    this.#items.at(-1)?.shape.area.focus();
  }
}

function need<T extends HTMLElement>(root: ParentNode, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

function field(row: HTMLElement, name: string): HTMLInputElement | null {
  return row.querySelector<HTMLInputElement>(`input[name="${row.dataset.row ?? ""}.${name}"]`);
}

function freeNumber(rows: HTMLElement): number {
  return 1 + Math.max(0, ...[...rows.querySelectorAll<HTMLElement>(".choice-row")].map((row) => Number(row.dataset.row)));
}

function freeId(rows: HTMLElement): string {
  const taken = new Set([...rows.querySelectorAll<HTMLInputElement>('input[name$=".id"]')].map((input) => input.value));
  let number = 1;
  while (taken.has(`choice-${number}`)) number += 1;
  return `choice-${number}`;
}

function create<K extends keyof SVGElementTagNameMap>(name: K, attributes: Record<string, string>): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  return made;
}

function set(element: SVGElement, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

function place(rect: SVGRectElement, area: Area): void {
  set(rect, { x: area.x, y: area.y, width: area.w, height: area.h });
}

const form = document.querySelector<HTMLFormElement>("#style-form");
if (form) new Editor(form);
