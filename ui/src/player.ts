// <aigaq-player data-media="/media/<station>/<camera>">: one camera as a still, live, or at a moment of the archive.
// It shows what it is told to show and reports what became of it; which moment that is, the station decides.

import type HlsPlayer from "hls.js";
import type { ErrorData, HlsConfig } from "hls.js";
import { nextStep, type Step } from "./follow";
import { type Fragment, mediaToWall, newestDate, type Window } from "./media-time";

export type Condition = "still" | "loading" | "playing" | "hole" | "offline" | "unsupported";

type Hls = typeof HlsPlayer;
const RETRY_MS = 5000;
/** Low delay is asked for again: soon while the first parts are on their way, later where there are none. */
const SOON_MS = 1500;
const LATER_MS = 30_000;
const FRESH_MS = 6000;
const LIVE: Partial<HlsConfig> = { lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.1 };
/** A player that is more than so many target durations behind jumps to the live edge. */
const FARTHEST_BEHIND = 8;
const ARCHIVE: Partial<HlsConfig> = { maxBufferLength: 20, backBufferLength: 30, startFragPrefetch: true };

async function loadHls(): Promise<Hls> {
  return (await import("hls.js/light")).default;
}

export class AigaqPlayer extends HTMLElement {
  #video: HTMLVideoElement | null = null;
  #hls: HlsPlayer | null = null;
  #window: Window | null = null;
  #asked = 0;
  #condition: Condition = "still";
  #job = 0;
  #retry = 0;
  #jump = false;

  get condition(): Condition {
    return this.#condition;
  }

  get video(): HTMLVideoElement | null {
    return this.#video;
  }

  /** Running but without pictures to show: the clock should hold for it. */
  get waiting(): boolean {
    if (this.#condition === "loading") return true;
    return this.#condition === "playing" && (this.#video?.readyState ?? 0) < HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  /** The moment that is shown now, UTC milliseconds; null while none is known. */
  wall(): number | null {
    return this.#video && this.#hls ? mediaToWall(this.#fragments(), this.#video.currentTime) : null;
  }

  disconnectedCallback(): void {
    this.#stop();
  }

  /** One picture: the newest, or that of a moment. The old one stays until the new one is there. */
  async showStill(at: number | null): Promise<void> {
    this.#stop();
    this.#become("still");
    await this.refreshStill(at);
  }

  async refreshStill(at: number | null): Promise<void> {
    const shown = this.querySelector("img");
    if (!shown) return;
    const next = new Image();
    next.src = `${this.dataset["media"]}/still.jpg${at === null ? "" : `?t=${Math.round(at)}`}`;
    try {
      await next.decode();
      shown.src = next.src;
      shown.hidden = false;
    } catch {
      // No picture of that moment: keep what is there, the timeline says why.
    }
  }

  /** Live at once; with low delay as soon as the station sends its parts, which it does only for watched cameras. */
  async playLive(stream: "sub" | "main", now: () => number): Promise<void> {
    this.#window = null;
    const hls = await this.#start(LIVE);
    if (!hls) return;
    // Not in LIVE: there hls.js wants a liveSyncDurationCount beside it, and with one it ignores the hold-back of low-latency playlists.
    hls.config.liveMaxLatencyDurationCount = FARTHEST_BEHIND;
    this.#whenFatal(hls, () => this.#retryLater(() => this.playLive(stream, now)));
    hls.loadSource(`${this.dataset["media"]}/${stream}/live.m3u8`);
    void this.#video?.play().catch(() => undefined);
    await this.#askForLowDelay(hls, `${this.dataset["media"]}/${stream}/ll.m3u8`, now);
  }

  /** Asking is what makes the station send parts; the answer waits for the first of them. */
  async #askForLowDelay(hls: HlsPlayer, address: string, now: () => number): Promise<void> {
    const answer = await fetch(address).catch(() => null);
    const newest = answer?.ok ? newestDate(await answer.text()) : null;
    if (hls !== this.#hls) return;
    // Parts of an earlier viewer may still lie there: only fresh ones are worth the change.
    if (newest !== null && now() - newest < FRESH_MS) {
      hls.loadSource(address);
      void this.#video?.play().catch(() => undefined);
    } else {
      this.#retry = setTimeout(() => void this.#askForLowDelay(hls, address, now), answer?.ok ? SOON_MS : LATER_MS);
    }
  }

  /** Shows the moment of the shared clock; called again and again while the archive plays. */
  follow(wall: number, clock: { readonly rate: number; readonly running: boolean }, stream: "sub" | "main"): void {
    const situation = { wall, ...clock, jump: this.#jump, window: this.#window, fragments: this.#fragments(), age: performance.now() - this.#asked };
    this.#take(nextStep({ ...situation, position: this.#video?.currentTime ?? 0 }), wall, clock, stream);
  }

  /** The next moment to follow has been chosen by a person. */
  expectJump(): void {
    this.#jump = true;
  }

  /** Known to have no footage of this moment: the page says why, nothing is asked for. */
  rest(): void {
    this.#video?.pause();
    this.#become("hole");
  }

  #take(step: Step, wall: number, clock: { readonly rate: number; readonly running: boolean }, stream: string): void {
    if (step.kind === "load") return void this.#loadWindow(step.window, wall, stream);
    const video = this.#video;
    if (!video || this.#condition === "offline" || this.#condition === "unsupported") return;
    if (this.#fragments().length === 0 && performance.now() - this.#asked < RETRY_MS) return;
    if (step.kind === "hole") return this.rest();
    if (step.kind === "seek" && !video.seeking) video.currentTime = step.to;
    this.#jump &&= video.seeking && step.kind !== "seek";
    if (step.kind === "run") video.playbackRate = step.rate;
    if (clock.running && video.paused) void video.play().catch(() => undefined);
    if (!clock.running && !video.paused) video.pause();
    this.#become(video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? "playing" : "loading");
  }

  async #loadWindow(window: Window, wall: number, stream: string): Promise<void> {
    this.#window = window;
    this.#asked = performance.now();
    const hls = await this.#start({ ...ARCHIVE, lowLatencyMode: false, autoStartLoad: false });
    if (!hls) return;
    const { Events } = await loadHls();
    hls.once(Events.LEVEL_LOADED, (_event, { details }) => {
      const first = details.fragments.find((f) => (f.programDateTime ?? 0) + f.duration * 1000 > wall);
      const begins = first?.programDateTime ?? wall;
      hls.startLoad(first ? first.start + Math.max(0, wall - begins) / 1000 : -1);
    });
    // A window in which the camera has nothing is a hole, not a fault: the playlist is not there.
    this.#whenFatal(hls, (error) => (error.response?.code === 404 ? this.#become("hole") : this.#retryWindow()));
    hls.loadSource(`${this.dataset["media"]}/${stream}/archive.m3u8?from=${window.from}&to=${window.to}`);
  }

  #retryWindow(): void {
    this.#become("offline");
    this.#retry = setTimeout(() => {
      this.#window = null;
      this.#become("loading");
    }, RETRY_MS);
  }

  #retryLater(again: () => Promise<void>): void {
    this.#become("offline");
    this.#retry = setTimeout(() => void again(), RETRY_MS);
  }

  /** A fresh engine on a fresh video; null where the browser cannot play, or where another order came meanwhile. */
  async #start(config: Partial<HlsConfig>): Promise<HlsPlayer | null> {
    this.#stop();
    const job = this.#job;
    this.#become("loading");
    const Engine = await loadHls();
    if (job !== this.#job) return null;
    if (!Engine.isSupported()) {
      this.#become("unsupported");
      return null;
    }
    this.#video = this.#newVideo();
    this.#hls = new Engine({ enableWorker: false, ...config });
    this.#hls.attachMedia(this.#video);
    return this.#hls;
  }

  #newVideo(): HTMLVideoElement {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", disablePictureInPicture: false });
    video.setAttribute("aria-label", this.getAttribute("aria-label") ?? "");
    video.addEventListener("loadeddata", () => this.#become("playing"));
    this.append(video);
    return video;
  }

  #whenFatal(hls: HlsPlayer, otherwise: (error: ErrorData) => void): void {
    let recovered = false;
    void loadHls().then(({ Events, ErrorTypes }) => {
      hls.on(Events.ERROR, (_event, error) => {
        if (!error.fatal || hls !== this.#hls) return;
        if (error.type === ErrorTypes.MEDIA_ERROR && !recovered) {
          recovered = true;
          hls.recoverMediaError();
        } else {
          otherwise(error);
        }
      });
    });
  }

  #fragments(): readonly Fragment[] {
    return this.#hls?.latestLevelDetails?.fragments ?? [];
  }

  #stop(): void {
    this.#job += 1;
    clearTimeout(this.#retry);
    this.#hls?.destroy();
    this.#hls = null;
    this.#video?.remove();
    this.#video = null;
  }

  #become(condition: Condition): void {
    this.dataset["condition"] = condition;
    if (condition === this.#condition) return;
    this.#condition = condition;
    this.dispatchEvent(new CustomEvent("aigaq-condition", { bubbles: true, detail: condition }));
  }
}

customElements.define("aigaq-player", AigaqPlayer);
