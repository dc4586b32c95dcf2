// <aigaq-timeline>: a lane per camera with its footage and gaps, one slider over all of them.
// It draws and asks: `aigaq-seek` and `aigaq-scrub` carry a moment. What is played, the station decides.

import { bars, gapEdge, type Look, look, type Span, spanAt } from "./coverage";
import { tickStep, ticks, ZoneClock } from "./time";
import { grow, inside, keyStep, type Range, reveal, toMs, toX, zoom } from "./view";
import { type Page, say, sayState } from "./words";

const SVG = "http://www.w3.org/2000/svg";
const LANE_HEIGHT = 18;

function svg(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

export class AigaqTimeline extends HTMLElement {
  #page!: Page;
  #clock!: ZoneClock;
  #whole: Range = { from: 0, to: 1 };
  #view: Range = { from: 0, to: 1 };
  #coverage: ReadonlyMap<string, readonly Span[]> = new Map();
  #wall = 0;
  #camera = "";
  #selection: Range | null = null;
  #over!: HTMLElement;
  #slider!: HTMLElement;
  #tip!: HTMLElement;
  #selected!: HTMLElement;
  #dragging = false;

  /** Takes over from the drawing that the server made. */
  begin(page: Page, clock: ZoneClock, view: Range): void {
    this.#page = page;
    this.#clock = clock;
    this.#whole = { from: page.from_ms, to: page.to_ms };
    this.#view = inside(view, this.#whole);
    this.#over = this.querySelector<HTMLElement>(".over")!;
    this.#slider = this.querySelector<HTMLElement>("[role=slider]")!;
    this.#tip = this.querySelector<HTMLElement>(".tip")!;
    this.#selected = this.querySelector<HTMLElement>(".selected")!;
    this.#over.hidden = false;
    this.#listen();
    new ResizeObserver(() => this.#draw()).observe(this.#over);
  }

  show(coverage: ReadonlyMap<string, readonly Span[]>, until: number): void {
    this.#extend(until);
    this.#coverage = coverage;
    this.#draw();
  }

  #extend(until: number): void {
    const after = { from: this.#whole.from, to: Math.max(until, this.#whole.to) };
    this.#view = grow(this.#view, this.#whole, after);
    this.#whole = after;
  }

  /** Moves the head; `follow` keeps it in view. */
  set(wall: number, camera: string, follow: boolean): void {
    const before = this.#view;
    if (wall > this.#whole.to) this.#extend(wall);
    this.#wall = wall;
    this.#camera = camera;
    if (follow && !this.#dragging) this.#view = reveal(this.#view, wall, this.#whole);
    if (this.#view !== before) this.#draw();
    else this.#drawHead();
  }

  select(range: Range | null): void {
    this.#selection = range;
    this.#drawSelection();
  }

  zoomBy(factor: number): void {
    const middle = (this.#view.from + this.#view.to) / 2;
    const around = this.#wall >= this.#view.from && this.#wall <= this.#view.to ? this.#wall : middle;
    this.#look(zoom(this.#view, factor, around, this.#whole));
  }

  showAll(): void {
    this.#look(this.#whole);
  }

  get #width(): number {
    return this.#over.clientWidth;
  }

  #look(view: Range): void {
    this.#view = view;
    this.#draw();
  }

  #spans(camera: string): readonly Span[] {
    return this.#coverage.get(camera) ?? [];
  }

  #draw(): void {
    if (this.#width === 0) return;
    for (const lane of this.querySelectorAll<SVGSVGElement>("svg[data-camera]")) this.#drawLane(lane);
    this.#drawAxis();
    this.#drawSelection();
    this.#drawHead();
  }

  #drawLane(lane: SVGSVGElement): void {
    const width = this.#width;
    lane.setAttribute("viewBox", `0 0 ${width} ${LANE_HEIGHT}`);
    const found = bars(this.#spans(lane.dataset["camera"] ?? ""), { ...this.#view, width });
    lane.replaceChildren(...found.map((bar) => svg("rect", { class: bar.look, x: bar.x.toFixed(1), y: 0, width: bar.width.toFixed(2), height: LANE_HEIGHT })));
  }

  #drawAxis(): void {
    const axis = this.querySelector<SVGSVGElement>("svg.axis")!;
    const [width, span] = [this.#width, this.#view.to - this.#view.from];
    const step = tickStep(span, width, markRoom(span));
    const marks = ticks(this.#view.from, this.#view.to, step, this.#clock.offset(this.#view.from));
    axis.setAttribute("viewBox", `0 0 ${width} 22`);
    axis.replaceChildren(...marks.flatMap((ms) => this.#mark(ms, step, width)));
  }

  #mark(ms: number, step: number, width: number): SVGElement[] {
    const x = toX(ms, this.#view, width);
    if (x < 18 || x > width - 22) return [svg("path", { d: `M${x.toFixed(1)} 0v5` })];
    const text = svg("text", { x: x.toFixed(1), y: 18, "text-anchor": "middle" });
    text.textContent = step < 60_000 ? this.#clock.clock(ms) : this.#clock.shortClock(ms);
    return [svg("path", { d: `M${x.toFixed(1)} 0v5` }), text];
  }

  #drawHead(): void {
    const x = toX(this.#wall, this.#view, this.#width);
    this.#slider.classList.toggle("outside", x < -1 || x > this.#width + 1);
    this.#slider.style.translate = `${Math.min(Math.max(x, 0), this.#width).toFixed(1)}px 0`;
    const spoken = say(this.#page.words, "slider_value", { time: this.#clock.stamp(this.#wall), state: this.#stateText(this.#camera, this.#wall) });
    const values = { valuemin: this.#whole.from, valuemax: this.#whole.to, valuenow: Math.round(this.#wall), valuetext: spoken };
    for (const [name, value] of Object.entries(values)) this.#slider.setAttribute(`aria-${name}`, String(value));
  }

  #drawSelection(): void {
    this.#selected.hidden = this.#selection === null;
    if (!this.#selection) return;
    const x = Math.max(0, toX(this.#selection.from, this.#view, this.#width));
    const end = Math.min(this.#width, toX(this.#selection.to, this.#view, this.#width));
    this.#selected.hidden = end <= 0 || x >= this.#width;
    this.#selected.style.translate = `${x.toFixed(1)}px 0`;
    this.#selected.style.width = `${Math.max(2, end - x).toFixed(1)}px`;
  }

  #stateText(camera: string, ms: number): string {
    const span = spanAt(this.#spans(camera), ms);
    const shown: Look = span ? look(span) : "missing";
    return sayState(this.#page.words, shown, span?.cause ?? null);
  }

  #listen(): void {
    this.#over.addEventListener("pointerdown", (event) => this.#grab(event));
    this.#over.addEventListener("pointermove", (event) => this.#hover(event));
    this.#over.addEventListener("pointerup", (event) => this.#release(event));
    this.#over.addEventListener("pointercancel", () => (this.#dragging = false));
    this.#over.addEventListener("pointerleave", () => (this.#tip.hidden = true));
    this.#over.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#slider.addEventListener("keydown", (event) => this.#key(event));
    this.#slider.addEventListener("focus", () => this.set(this.#wall, this.#camera, true));
  }

  #at(event: MouseEvent): number {
    const ms = toMs(event.clientX - this.#over.getBoundingClientRect().left, this.#view, this.#width);
    return Math.min(Math.max(ms, this.#whole.from), this.#whole.to);
  }

  #grab(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#over.setPointerCapture(event.pointerId);
    this.#dragging = true;
    this.#tell("aigaq-scrub", this.#at(event));
  }

  #hover(event: PointerEvent): void {
    const ms = this.#at(event);
    this.#drawTip(event, ms);
    if (this.#dragging) this.#tell("aigaq-scrub", ms);
  }

  #release(event: PointerEvent): void {
    if (!this.#dragging) return;
    this.#dragging = false;
    this.#tell("aigaq-seek", this.#at(event));
    this.#slider.focus({ preventScroll: true });
  }

  #drawTip(event: PointerEvent, ms: number): void {
    const lane = [...this.querySelectorAll<SVGSVGElement>("svg[data-camera]")].find((candidate) => {
      const box = candidate.getBoundingClientRect();
      return event.clientY >= box.top && event.clientY <= box.bottom;
    });
    const camera = lane?.dataset["camera"];
    this.#tip.textContent = camera ? `${this.#clock.clockWithZone(ms)} · ${this.#stateText(camera, ms)}` : this.#clock.clockWithZone(ms);
    this.#tip.hidden = false;
    const x = Math.min(Math.max(toX(ms, this.#view, this.#width), 0), this.#width - this.#tip.offsetWidth);
    this.#tip.style.translate = `${Math.max(0, x).toFixed(0)}px 0`;
  }

  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#look(zoom(this.#view, event.deltaY > 0 ? 1.25 : 0.8, this.#at(event), this.#whole));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = this.#keyTarget(event);
    if (target !== null) {
      this.#tell("aigaq-seek", Math.min(Math.max(target, this.#whole.from), this.#whole.to));
    } else if (event.key === "+" || event.key === "=") this.zoomBy(0.5);
    else if (event.key === "-") this.zoomBy(2);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #keyTarget(event: KeyboardEvent): number | null {
    const step = keyStep(event.key, event.shiftKey);
    if (step !== null) return this.#wall + step;
    if (event.key === "Home") return this.#whole.from;
    if (event.key === "End") return this.#whole.to;
    if (event.code === "KeyG") return gapEdge(this.#spans(this.#camera), this.#wall, event.shiftKey ? -1 : 1);
    return null;
  }

  #tell(name: "aigaq-seek" | "aigaq-scrub", ms: number): void {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: ms }));
  }
}

function markRoom(span: number): number {
  return span < 20 * 60_000 ? 84 : 60;
}

customElements.define("aigaq-timeline", AigaqTimeline);
