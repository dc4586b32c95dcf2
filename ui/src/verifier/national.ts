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

/** A key may be used this long before and after the times that it was given, for clocks that differ. */
const CLOCK_MS = 10 * 60_000;

/** What the reader's trust file says about one national checkpoint. */
export interface Opinion {
  readonly checkpoint: Checkpoint;
  readonly witnessed: Witnessed | null;
}

/** Where a leaf stands, and under which checkpoint that is proven. */
export interface Place {
  readonly index: bigint;
  readonly opinion: Opinion;
}

/** By when the leaf was there; null where no quorum says so. */
export function notAfter(place: Place): number | null {
  return place.opinion.witnessed?.notAfter ?? null;
}

/** A leaf that is proven to be in the log. */
export interface Logged {
  readonly leaf: Leaf;
  readonly place: Place;
}

/** Proofs are judged here, each note once, however many proofs carry it. */
export class NationalLog {
  readonly #opinions = new Map<string, Promise<Opinion | null>>();
  readonly #roots = new Map<bigint, Bytes>();

  constructor(
    readonly origin: string,
    private readonly policy: Policy | null,
    private readonly found: Findings,
    private readonly engine: Engine,
  ) {}

  /** What to think of a national checkpoint; null where it is false. */
  opinion(note: Bytes): Promise<Opinion | null> {
    const name = toHex(digest(note));
    const known = this.#opinions.get(name) ?? this.#judgeOnce(note);
    this.#opinions.set(name, known);
    return known;
  }

  async #judgeOnce(note: Bytes): Promise<Opinion | null> {
    try {
      return await this.#judge(note);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.found.bad("log", "FAILED", said("a checkpoint of the national log: {reason}", { reason: error.reason }));
      return null;
    }
  }

  async #judge(note: Bytes): Promise<Opinion> {
    const checkpoint = parseCheckpoint(parseNote(note).text);
    const { origin, size, root } = checkpoint;
    if (origin !== this.origin) throw fault("it is of {origin}, not of {log}", { origin, log: this.origin });
    const witnessed = await (this.policy ?? new Policy()).witnessed(note, this.engine);
    if (witnessed === "unknown") {
      const reason = said(this.policy ? "the trust file holds no key of it" : "no trust file was given (--trust)");
      this.found.bad("key", "UNKNOWN_KEY", said("for the log {log} {reason}", { log: this.origin, reason }));
      return { checkpoint, witnessed: null };
    }
    const known = this.#roots.get(size) ?? root;
    this.#roots.set(size, known);
    if (!equal(known, root)) throw fault("it has forked: two roots of size {size}, both signed", { size });
    return { checkpoint, witnessed };
  }

  /** Where the proof in that file shows the leaf to be; null where it does not. */
  async place(name: string, data: Bytes | null, leaf: Bytes): Promise<Place | null> {
    const proof = this.#proof(name, data);
    const opinion = proof && (await this.opinion(proof.note));
    if (!proof || !opinion) return null;
    const { size, root } = opinion.checkpoint;
    if (!verifyInclusion(leaf, proof.index, size, proof.hashes, root)) {
      this.found.bad("log", "NOT_IN_LOG", said("{name} does not show it to be in the national log", { name }));
      return null;
    }
    return { index: proof.index, opinion };
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

/** One use of a session key: where its checkpoint stands, and between which times it was made as far as proven. */
export interface Use {
  readonly place: Place;
  readonly notBefore: number | null;
  readonly claimed: number;
}

type Problem = readonly [Verdict, Said];

/** Who may sign for the station: enrolments, delegations and revocations, each proven to be in the log. */
export class Authority {
  readonly #enrolments = new Map<string, Logged>();
  readonly #delegations = new Map<string, { key: VerifierKey; each: Logged[] }>();
  readonly #revoked = new Map<string, number>();
  readonly #sound = new Map<Logged, Promise<boolean>>();
  readonly told = new Map<string, Said>();

  constructor(clip: Manifest, leaves: Iterable<Logged>, private readonly engine: Engine) {
    for (const one of leaves) {
      const { kind, values, hash } = one.leaf;
      if (kind === Kind.ENROLMENT) this.#enrolments.set(toHex(hash), one);
      else if (kind === Kind.DELEGATION) this.#delegate(verifierKey(clip.origin, values["session_key"] as Bytes), one);
      else if (kind === Kind.REVOCATION) this.#revoke(toHex(values["revoked"] as Bytes), values["at_ms"] as number);
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

  #revoke(hash: string, at: number): void {
    this.#revoked.set(hash, Math.min(at, this.#revoked.get(hash) ?? at));
  }

  /** Why the key may not sign there; null where it may. */
  async problem(key: VerifierKey, use: Use): Promise<Problem | null> {
    let first: Problem | null = null;
    let sound = false;
    for (const one of this.#delegations.get(key.text)!.each) {
      const problem = await this.#broken(one, use);
      sound ||= problem === null;
      first ??= problem;
    }
    return sound ? null : first;
  }

  async #broken(delegation: Logged, use: Use): Promise<Problem | null> {
    const index = delegation.place.index;
    const enrolment = this.#enrolments.get(toHex(delegation.leaf.values["enrolment"] as Bytes));
    if (!enrolment) return ["UNKNOWN_KEY", said("leaf {index} delegates from an enrolment that is not shown", { index })];
    const sound = this.#sound.get(delegation) ?? verifyDelegation(delegation.leaf, enrolment.leaf, this.engine);
    this.#sound.set(delegation, sound);
    if (!(await sound)) return ["FAILED", said("the signature of delegation {index} is false", { index })];
    const [first, last] = [enrolment.place.index, use.place.index];
    if (!(first < index && index < last)) {
      const chain = `(${first}, ${index}, ${last})`;
      return ["UNKNOWN_KEY", said("its key was not enrolled, delegated and used in this order: leaves {chain}", { chain })];
    }
    for (const one of [enrolment, delegation]) {
      const problem = this.#untimely(one, use);
      const facts = { index: one.place.index, kind: said(Kind[one.leaf.kind]!.toLowerCase()) };
      if (problem) return ["UNKNOWN_KEY", said("leaf {index}, {kind}: {problem}", { ...facts, problem: said(problem) })];
    }
    this.#tell(delegation, enrolment);
    return null;
  }

  #tell(delegation: Logged, enrolment: Logged): void {
    const [leaf, first] = [delegation.place.index, enrolment.place.index];
    const approvals = enrolment.leaf.values["approvals"] as readonly (readonly [string, Bytes])[];
    const names = approvals.map(([name]) => name).reduce<Said | string>((all, name) => (all ? said("{a} and {b}", { a: all, b: name }) : name), "");
    this.told.set(`${leaf} ${first}`, said("leaf {leaf}, enrolled in leaf {first} in the name of {names}", { leaf, first, names }));
  }

  #untimely(one: Logged, use: Use): string | null {
    const [madeBy, revoked] = [notAfter(use.place), this.#revoked.get(toHex(one.leaf.hash))];
    const { not_before_ms: from, not_after_ms: to } = one.leaf.values as { not_before_ms: number; not_after_ms: number };
    if (revoked !== undefined && (madeBy === null || madeBy > revoked)) return "revoked, and nothing proves an earlier use";
    if (madeBy !== null && madeBy < from - CLOCK_MS) return "used before it was valid";
    if (Math.max(use.notBefore ?? 0, use.claimed) > to + CLOCK_MS) return "used after it was valid";
    return null;
  }
}
