// <aigaq-station>: holds the state of a station's page and has players, timeline and clip form follow it.

import type { AigaqClip, Selection } from "./clip";
import { fromTold, nextFootage, type Span, spanAt, type ToldSpan } from "./coverage";
import { MasterClock } from "./master-clock";
import type { AigaqPlayer } from "./player";
import { type Action, begin, commandOf, EDGE_MS, mustRestart, query, reduce, type State, type Stream } from "./station-state";
import { coverOf } from "./tile";
import { ZoneClock } from "./time";
import type { AigaqTimeline } from "./timeline";
import { type Page, readPage, say } from "./words";

const TICK_MS = 200;
const REFRESH_MS = 10_000;
const SCRUB_MS = 250;
const FRAME_MS: Readonly<Record<Stream, number>> = { sub: 100, main: 40 };
const JUMP_MS = 10_000;

export class AigaqStation extends HTMLElement {
  #page!: Page;
  #clock!: ZoneClock;
  #state!: State;
  #master = new MasterClock(() => performance.now());
  #coverage = new Map<string, readonly Span[]>();
  #timeline!: AigaqTimeline;
  #clip!: AigaqClip;
  #ahead = 0;
  #scrubbed = 0;
  #timers: number[] = [];

  connectedCallback(): void {
    this.#page = readPage(document.getElementById(this.dataset["source"] ?? ""));
    this.#clock = new ZoneClock(this.#page.time_zone, this.#page.date_order);
    // The server's clock counts, not that of the reader's device.
    this.#ahead = this.#page.now_ms - Date.now();
    this.#state = begin(this.#page, this.#now());
    this.#timeline = this.querySelector<AigaqTimeline>("aigaq-timeline")!;
    this.#clip = document.querySelector<AigaqClip>("aigaq-clip")!;
    this.#begin(this.#state.wall);
  }

  disconnectedCallback(): void {
    this.#timers.forEach(clearInterval);
  }

  #begin(wall: number): void {
    for (const part of this.querySelectorAll<HTMLElement>("[data-scripted], [data-unscripted]")) part.hidden = "unscripted" in part.dataset;
    const around = this.#page.t_ms === null ? null : { from: wall - 15 * 60_000, to: wall + 15 * 60_000 };
    this.#timeline.begin(this.#page, this.#clock, around ?? { from: this.#page.view_from_ms, to: this.#page.to_ms });
    this.#clip.begin(this.#page, this.#clock, (camera) => this.#coverage.get(camera) ?? [], () => this.#now());
    this.#listen();
    this.#master.seek(wall);
    this.#enter(this.#state);
    this.#timers = [setInterval(() => this.#tick(), TICK_MS), setInterval(() => this.#refresh(), REFRESH_MS)];
    this.#refresh();
  }

  #now(): number {
    return Date.now() + this.#ahead;
  }

  /** The moment that is shown. */
  #wall(): number {
    if (this.#state.mode === "archive") return this.#master.wall();
    return this.#player(this.#state.camera)?.wall() ?? this.#now();
  }

  #player(camera: string): AigaqPlayer | null {
    return this.querySelector<AigaqPlayer>(`aigaq-player[data-camera="${CSS.escape(camera)}"]`);
  }

  get #players(): AigaqPlayer[] {
    return [...this.querySelectorAll<AigaqPlayer>("aigaq-player")];
  }

  #act(action: Action): void {
    const before = this.#state;
    this.#state = reduce(before, action);
    if (this.#state.mode === "archive" && ["seek", "step", "toggle"].includes(action.kind)) this.#jumpTo(this.#state.wall);
    this.#master.setRate(this.#state.rate);
    if (mustRestart(before, this.#state) || action.kind === "together") this.#enter(this.#state);
    this.#mirror();
    this.#tick();
  }

  #jumpTo(wall: number): void {
    this.#master.hold();
    this.#master.seek(wall);
    this.#timeline.set(wall, this.#state.camera, true);
    for (const player of this.#players) player.expectJump();
  }

  /** Sets every player to its new task. */
  #enter(state: State): void {
    for (const player of this.#players) {
      const camera = player.dataset["camera"];
      if (state.mode === "live" && camera === state.camera) void player.playLive(state.stream, () => this.#now());
      else if (state.mode === "live" || !(state.together || camera === state.camera)) void player.showStill(this.#stillAt());
    }
    if (state.mode === "live") this.#master.hold();
    this.#mirror();
  }

  #stillAt(): number | null {
    return this.#state.mode === "live" ? null : this.#master.wall();
  }

  #tick(): void {
    if (this.#state.mode === "archive") this.#playArchive();
    const wall = this.#wall();
    this.#timeline.set(wall, this.#state.camera, this.#state.playing);
    this.#readout(wall);
    for (const player of this.#players) this.#label(player, wall);
  }

  #playArchive(): void {
    if (this.#state.playing && this.#master.wall() > this.#now() - EDGE_MS) return this.#act({ kind: "live" });
    const main = this.#player(this.#state.camera);
    if (this.#state.playing && !main?.waiting) {
      if (!this.#master.running) this.#master.run();
    } else if (this.#master.running) this.#master.hold();
    const [wall, clock] = [this.#master.wall(), { rate: this.#state.rate, running: this.#master.running }];
    for (const player of this.#players) {
      const camera = player.dataset["camera"] ?? "";
      if (!this.#state.together && player !== main) continue;
      const span = spanAt(this.#coverage.get(camera) ?? [], wall);
      if (span && span.state !== "recorded") player.rest();
      else player.follow(wall, clock, player === main ? this.#state.stream : "sub");
    }
  }

  #readout(wall: number): void {
    const at = this.querySelector<HTMLElement>(".now-time")!;
    const behind = Math.max(0, Math.round((this.#now() - wall) / 1000));
    const live = this.#state.mode === "live";
    const known = !live || this.#player(this.#state.camera)?.condition === "playing";
    at.textContent = known ? this.#clock.stamp(wall) : "";
    this.querySelector<HTMLElement>(".now-mode")!.textContent = known && live ? say(this.#page.words, "live_behind", { seconds: behind }) : "";
  }

  /** Says on the tile why there is no picture, and until when. */
  #label(player: AigaqPlayer, wall: number): void {
    const spans = this.#coverage.get(player.dataset["camera"] ?? "") ?? [];
    const cover = player.parentElement?.querySelector<HTMLElement>(".cover");
    if (!cover) return;
    const tile = { condition: player.condition, live: this.#state.mode === "live", spans, wall, now: this.#now() };
    const { text, skip } = coverOf(tile, this.#page.words, this.#clock);
    cover.hidden = text === "";
    cover.querySelector("button")!.hidden = !skip;
    const words = cover.querySelector("p")!;
    if (words.textContent !== text) words.textContent = text;
  }

  #refresh(): void {
    void this.#refreshCoverage();
    for (const player of this.#players) {
      if (player.condition === "still" && this.#state.mode === "live" && !document.hidden) void player.refreshStill(null);
    }
  }

  async #refreshCoverage(): Promise<void> {
    const until = Math.max(this.#page.to_ms, Math.min(this.#now(), this.#page.end_ms));
    const address = `/api/v1/stations/${this.#page.station}/coverage?from=${this.#page.from_ms}&to=${Math.round(until)}`;
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) return;
    const told = (await answer.json()) as { readonly cameras: Readonly<Record<string, readonly ToldSpan[]>> };
    this.#coverage = new Map(Object.entries(told.cameras).map(([camera, spans]) => [camera, fromTold(spans)]));
    this.#timeline.show(this.#coverage, until);
  }

  /** Buttons, tiles and the address show the state. */
  #mirror(): void {
    const { camera, mode, playing } = this.#state;
    for (const tile of this.querySelectorAll<HTMLElement>(".tile")) {
      const chosen = tile.dataset["camera"] === camera;
      tile.toggleAttribute("data-main", chosen);
      const link = tile.querySelector("a");
      if (chosen) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
    this.dataset["mode"] = mode;
    this.dataset["playing"] = String(playing);
    this.querySelector("[data-do=play]")?.setAttribute("aria-label", say(this.#page.words, playing ? "pause" : "play"));
    this.querySelector("[data-do=live]")?.setAttribute("aria-pressed", String(mode === "live"));
    const search = query(this.#state, this.#state.mode === "archive" ? this.#master.wall() : 0);
    history.replaceState(null, "", search);
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".languages a")) link.search = search;
    this.querySelector<HTMLSelectElement>("[name=rate]")!.value = String(this.#state.rate);
  }

  #listen(): void {
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("change", (event) => this.#changed(event));
    this.addEventListener("submit", (event) => this.#goTo(event));
    this.addEventListener("keydown", (event) => this.#pressed(event));
    this.addEventListener("aigaq-seek", (event) => this.#seek((event as CustomEvent<number>).detail));
    this.addEventListener("aigaq-scrub", (event) => this.#scrub((event as CustomEvent<number>).detail));
    document.addEventListener("aigaq-select", (event) => this.#timeline.select((event as CustomEvent<Selection | null>).detail));
    document.addEventListener("click", (event) => this.#clickedElsewhere(event));
  }

  #seek(to: number): void {
    this.#act({ kind: "seek", to: Math.max(to, this.#page.from_ms), now: this.#now() });
  }

  /** While the head is dragged: stills of the chosen camera, and the time. */
  #scrub(ms: number): void {
    this.querySelector<HTMLElement>(".now-time")!.textContent = this.#clock.stamp(ms);
    this.#timeline.set(ms, this.#state.camera, false);
    if (performance.now() - this.#scrubbed < SCRUB_MS) return;
    this.#scrubbed = performance.now();
    if (spanAt(this.#coverage.get(this.#state.camera) ?? [], ms)?.state !== "recorded") return;
    void this.#player(this.#state.camera)?.refreshStill(ms);
  }

  #clicked(event: Event): void {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest<HTMLElement>(".tile:not([data-main])");
    const command = target?.closest<HTMLElement>("[data-do]")?.dataset["do"];
    if (command) return this.#do(command);
    if (!link || (event instanceof MouseEvent && (event.ctrlKey || event.metaKey))) return;
    event.preventDefault();
    this.#act({ kind: "camera", id: link.dataset["camera"] ?? "" });
  }

  /** Rows of the table of gaps lead to their moment without loading the page anew. */
  #clickedElsewhere(event: Event): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLElement>("a[data-seek]") : null;
    const command = event.target instanceof Element ? event.target.closest<HTMLElement>("aigaq-clip [data-do]") : null;
    if (command?.dataset["do"]) this.#do(command.dataset["do"]);
    if (!link) return;
    event.preventDefault();
    if (link.dataset["camera"]) this.#act({ kind: "camera", id: link.dataset["camera"] });
    this.#seek(Number(link.dataset["seek"]));
    this.scrollIntoView({ block: "start" });
  }

  #changed(event: Event): void {
    const field = event.target;
    if (field instanceof HTMLSelectElement && field.name === "rate") this.#act({ kind: "rate", rate: Number(field.value) });
    if (field instanceof HTMLSelectElement && field.name === "stream") this.#act({ kind: "stream", stream: field.value as Stream });
    if (field instanceof HTMLInputElement && field.name === "together") this.#act({ kind: "together", on: field.checked });
  }

  #goTo(event: SubmitEvent): void {
    const field = event.target instanceof HTMLFormElement ? event.target.elements.namedItem("t") : null;
    if (!(field instanceof HTMLInputElement)) return;
    event.preventDefault();
    const ms = this.#clock.fromInput(field.value);
    if (ms === null) field.reportValidity();
    else this.#seek(ms);
  }

  #pressed(event: KeyboardEvent): void {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const command = commandOf(event.code);
    const onButton = event.target instanceof Element && event.target.closest("button, a") && event.code === "Space";
    if (!command || onButton) return;
    event.preventDefault();
    this.#do(command);
  }

  #do(command: string): void {
    const at = this.#wall();
    const commands: Readonly<Record<string, () => void>> = {
      play: () => this.#act({ kind: "toggle", at }),
      live: () => this.#act({ kind: "live" }),
      back: () => this.#seek(at - JUMP_MS),
      forward: () => this.#seek(at + JUMP_MS),
      "frame-back": () => this.#act({ kind: "step", by: -FRAME_MS[this.#state.stream], at }),
      "frame-forward": () => this.#act({ kind: "step", by: FRAME_MS[this.#state.stream], at }),
      skip: () => this.#seek(nextFootage(this.#coverage.get(this.#state.camera) ?? [], at) ?? at),
      "zoom-in": () => this.#timeline.zoomBy(0.5),
      "zoom-out": () => this.#timeline.zoomBy(2),
      "zoom-all": () => this.#timeline.showAll(),
      "clip-from": () => this.#clip.mark("from", at),
      "clip-to": () => this.#clip.mark("to", at),
      full: () => void this.#fullScreen(),
      link: () => void this.#copyLink(at),
    };
    const camera = this.#page.cameras[Number(/^camera-(\d)$/.exec(command)?.[1]) - 1];
    if (camera) this.#act({ kind: "camera", id: camera.id });
    else commands[command]?.();
  }

  async #fullScreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.querySelector<HTMLElement>(".stage")?.requestFullscreen();
  }

  async #copyLink(wall: number): Promise<void> {
    const here = new URL(query({ ...this.#state, mode: "archive" }, wall), location.href).href;
    const copied = await navigator.clipboard?.writeText(here).then(() => true, () => false);
    this.querySelector(".said")!.textContent = copied ? say(this.#page.words, "link_copied") : here;
  }
}

customElements.define("aigaq-station", AigaqStation);
