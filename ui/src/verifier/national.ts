// The national log as a clip shows it: which leaves stand in it, who vouches for it, who may sign for the station.

import { type Bytes, equal, toHex } from "./bytes";
import type { Engine } from "./engine";
import type { Manifest } from "./manifest";
import { type Checkpoint, parseCheckpoint, parseNote, type VerifierKey, verifierKey } from "./note";
import { Policy, type Witnessed } from "./policy";
import { parseProof, type Proof } from "./proof";
import { Kind, type Leaf, verifyDelegation } from "./records";
import type { Findings, Verdict } from "./report";
import { Fault, fault, type Said, said } from "./said";
import { digest, verifyInclusion } from "./tree";

/** A key may be used this long before and after its times, for clocks that differ. */
const CLOCK_MS = 10 * 60_000;

/** A national checkpoint with what witnesses that the reader trusts say of it. */
export interface Judged {
  readonly checkpoint: Checkpoint;
  readonly witnessed: Witnessed | null;
}

/** Where a leaf stands in the national log, and what witnesses say of the checkpoint under which that is proven. */
export interface Place {
  readonly index: bigint;
  readonly witnessed: Witnessed | null;
}

/** A leaf that is proven to be in the log. */
export interface Logged {
  readonly leaf: Leaf;
  readonly place: Place;
}

/** A checkpoint of the station over rows of the clip, and what is proven and claimed of the newest of them. */
export interface Seal {
  readonly checkpoint: Checkpoint;
  readonly key: VerifierKey | null;
  readonly place: Place | null;
  notBefore: number | null;
  claimed: number;
}

/** By when the station had signed it; null where no quorum says so. */
export function notAfter(seal: Seal): number | null {
  return seal.place?.witnessed?.notAfter ?? null;
}

/** Judges proofs; each note once, however many proofs carry it. */
export class NationalLog {
  readonly #judged = new Map<string, Judged | null>();
  readonly #roots = new Map<bigint, Bytes>();

  constructor(
    readonly origin: string,
    private readonly policy: Policy | null,
    private readonly found: Findings,
    private readonly engine: Engine,
  ) {}

  /** What to think of a national checkpoint; null where it is false. */
  async judged(note: Bytes): Promise<Judged | null> {
    const name = toHex(digest(note));
    const known = this.#judged.get(name);
    if (known !== undefined) return known;
    const judged = await this.#judgeOnce(note);
    this.#judged.set(name, judged);
    return judged;
  }

  async #judgeOnce(note: Bytes): Promise<Judged | null> {
    try {
      return await this.#judge(note);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.found.bad("log", "FAILED", said("a checkpoint of the national log: {reason}", { reason: error.reason }));
      return null;
    }
  }

  async #judge(note: Bytes): Promise<Judged> {
    const checkpoint = parseCheckpoint(parseNote(note).text);
    const { origin, size, root } = checkpoint;
    if (origin !== this.origin) throw fault("it is of {origin}, not of {log}", { origin, log: this.origin });
    const witnessed = await (this.policy ?? new Policy()).witnessed(note, this.engine);
    if (witnessed === "unknown") {
      const facts = { log: this.origin, reason: said("the trust file holds no key of it") };
      if (this.policy) this.found.bad("key", "UNKNOWN_KEY", said("for the log {log} {reason}", facts));
      return { checkpoint, witnessed: null };
    }
    const known = this.#roots.get(size) ?? root;
    this.#roots.set(size, known);
    if (!equal(known, root)) throw fault("it has forked: two roots of size {size}, both signed", { size });
    return { checkpoint, witnessed };
  }

  /** Where the proof in that file shows the leaf hash to be; null where it does not. */
  async place(name: string, data: Bytes | null, leaf: Bytes): Promise<Place | null> {
    const proof = this.#proof(name, data);
    const judged = proof && (await this.judged(proof.note));
    if (!proof || !judged) return null;
    const { size, root } = judged.checkpoint;
    if (verifyInclusion(leaf, proof.index, size, proof.hashes, root)) return { index: proof.index, witnessed: judged.witnessed };
    this.found.bad("log", "NOT_IN_LOG", said("{name} does not show it to be in the national log", { name }));
    return null;
  }

  #proof(name: string, data: Bytes | null): Proof | null {
    if (!data) {
      this.found.bad("log", "NOT_IN_LOG", said("{name}: {reason}", { name, reason: said("missing") }));
      return null;
    }
    try {
      return parseProof(data);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.found.bad("log", "FAILED", said("{name}: {reason}", { name, reason: error.reason }));
      return null;
    }
  }
}

type Problem = readonly [Verdict, Said];

/** Who may sign for the station: enrolments, delegations and revocations that are proven to be in the log. */
export class Authority {
  readonly #logged = new Map<string, Logged>();
  readonly #delegations = new Map<string, { key: VerifierKey; each: Logged[] }>();
  readonly #revoked = new Map<string, number>();
  readonly #sound = new Map<Logged, Promise<boolean>>();
  readonly told = new Map<string, Said>();

  constructor(clip: Manifest, leaves: Iterable<Logged>, private readonly engine: Engine) {
    for (const one of leaves) this.#logged.set(toHex(one.leaf.hash), one);
    for (const one of this.#logged.values()) {
      const { kind, values } = one.leaf;
      const of = kind === Kind.REVOCATION && this.#logged.get(toHex(values["revoked"] as Bytes));
      if (kind === Kind.DELEGATION) this.#delegate(verifierKey(clip.origin, values["session_key"] as Bytes), one);
      else if (of) this.#revoke(keyOf(of.leaf), values["at_ms"] as number); // whatever leaf names it
    }
  }

  /** Session keys that somebody delegated. */
  get keys(): readonly VerifierKey[] {
    return [...this.#delegations.values()].map(({ key }) => key);
  }

  #delegate(key: VerifierKey, one: Logged): void {
    const known = this.#delegations.get(key.text);
    if (known) known.each.push(one);
    else this.#delegations.set(key.text, { key, each: [one] });
  }

  #revoke(key: string, at: number): void {
    this.#revoked.set(key, Math.min(at, this.#revoked.get(key) ?? at));
  }

  /** Why the seal's key may not sign there; null where a delegation lets it. */
  async problem(seal: Seal): Promise<Problem | null> {
    if (!seal.key) return ["UNKNOWN_KEY", said("no key that signed it was delegated in the log")];
    let first: Problem | null = null;
    let sound = false;
    for (const one of this.#delegations.get(seal.key.text)!.each) {
      const problem = await this.#broken(one, seal);
      sound ||= problem === null;
      first ??= problem;
    }
    return sound ? null : first;
  }

  async #broken(delegation: Logged, seal: Seal): Promise<Problem | null> {
    const { index } = delegation.place;
    const enrolment = this.#logged.get(toHex(delegation.leaf.values["enrolment"] as Bytes));
    if (enrolment?.leaf.kind !== Kind.ENROLMENT) return ["UNKNOWN_KEY", said("leaf {index} delegates from an enrolment that is not shown", { index })];
    const sound = this.#sound.get(delegation) ?? verifyDelegation(delegation.leaf, enrolment.leaf, this.engine);
    this.#sound.set(delegation, sound);
    if (!(await sound)) return ["FAILED", said("the signature of delegation {index} is false", { index })];
    const root = enrolment.place.index;
    if (!seal.place || !(root < index && index < seal.place.index)) {
      return ["UNKNOWN_KEY", said("its key was not enrolled, delegated and used in this order")];
    }
    for (const one of [enrolment, delegation]) {
      const problem = this.#untimely(one, seal);
      const facts = { index: one.place.index, kind: said(Kind[one.leaf.kind]!.toLowerCase()) };
      if (problem) return ["UNKNOWN_KEY", said("leaf {index}, {kind}: {problem}", { ...facts, problem: said(problem) })];
    }
    if (!enrolment.place.witnessed || !delegation.place.witnessed) {
      return ["UNWITNESSED", said("no quorum that you trust cosigned leaves {root} and {index}", { root, index })];
    }
    this.#tell(delegation, enrolment);
    return null;
  }

  #tell(delegation: Logged, enrolment: Logged): void {
    const [index, root] = [delegation.place.index, enrolment.place.index];
    const approvals = enrolment.leaf.values["approvals"] as readonly (readonly [string, Bytes])[];
    const roles = approvals.map(([role]): Said | string => role).reduce((all, role) => said("{a} and {b}", { a: all, b: role }));
    this.told.set(`${index} ${root}`, said("leaf {index}, enrolled in leaf {root} in the name of {roles}", { index, root, roles }));
  }

  #untimely(one: Logged, seal: Seal): string | null {
    const [madeBy, revoked] = [notAfter(seal), this.#revoked.get(keyOf(one.leaf))];
    const { not_before_ms: from, not_after_ms: to } = one.leaf.values as { not_before_ms: number; not_after_ms: number };
    if (revoked !== undefined && (madeBy === null || madeBy > revoked)) return "revoked, and nothing proves an earlier use";
    if (madeBy !== null && madeBy < from - CLOCK_MS) return "used before it was valid";
    return Math.max(seal.notBefore ?? 0, seal.claimed) > to + CLOCK_MS ? "used after it was valid" : null;
  }
}

/** The identity that a leaf enrols, or the session key that it delegates. */
function keyOf({ values }: Leaf): string {
  const key = values["identity"] ?? values["session_key"];
  return key instanceof Uint8Array ? toHex(key) : "";
}
