// One clock that all cameras follow, so that five players show the same moment.

/** Wall time of the footage, running at a rate against a clock that never steps. */
export class MasterClock {
  #wall = 0;
  #since = 0;
  #rate = 1;
  #running = false;

  constructor(private readonly now: () => number) {}

  get running(): boolean {
    return this.#running;
  }

  get rate(): number {
    return this.#rate;
  }

  /** The moment that every camera should show now, UTC milliseconds. */
  wall(): number {
    return this.#running ? this.#wall + (this.now() - this.#since) * this.#rate : this.#wall;
  }

  seek(wall: number): void {
    this.#wall = wall;
    this.#since = this.now();
  }

  run(): void {
    this.seek(this.wall());
    this.#running = true;
  }

  hold(): void {
    this.seek(this.wall());
    this.#running = false;
  }

  setRate(rate: number): void {
    this.seek(this.wall());
    this.#rate = rate;
  }
}

/** How a player that shows another moment than the clock comes back to it. */
export type Correction = { readonly kind: "rate"; readonly rate: number } | { readonly kind: "seek" };

/** Up to here nobody sees it. */
export const NEAR_MS = 60;
/** From here on catching up would take too long. */
export const FAR_MS = 1500;
/** A quicker or slower player is not noticed within this share. */
const BEND = 0.25;

/** `behind` is how far the player lags the clock in milliseconds, negative where it leads. */
export function correction(behind: number, rate: number): Correction {
  if (Math.abs(behind) > FAR_MS * Math.max(rate, 1)) return { kind: "seek" };
  if (Math.abs(behind) <= NEAR_MS) return { kind: "rate", rate };
  const bend = Math.max(-BEND, Math.min(BEND, behind / 1000));
  return { kind: "rate", rate: rate * (1 + bend) };
}
