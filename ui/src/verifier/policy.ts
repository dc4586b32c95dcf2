// C2SP trust policies (c2sp.org/tlog-policy): which logs are trusted, and which witnesses must have cosigned.
//
// A file whose quorum could be had by two histories at once, every witness but f being honest, is refused when it is read.

import { type Bytes, fromUtf8 } from "./bytes";
import type { Engine } from "./engine";
import {
  type Checkpoint, COSIGNATURE_ED25519, ED25519, ML_DSA_44, openCheckpoint, parseKey, parseNote, signers, type VerifierKey,
} from "./note";
import { MAX_MS } from "./rules";
import { Fault, fault, quoted } from "./said";

const MAX_POLICY = 16 << 20;
export const NO_QUORUM = "none";

interface Group {
  readonly threshold: number;
  readonly members: readonly string[];
}

export interface Cosignature {
  readonly key: VerifierKey;
  /** POSIX seconds, never 0. */
  readonly time: number;
}

/** A checkpoint that a quorum cosigned. No f of the quorum's members can move the times, however they lie. */
export interface Witnessed {
  readonly checkpoint: Checkpoint;
  readonly cosignatures: readonly Cosignature[];
  /** Whoever holds these cosignatures, holds them since then: the (f+1)-th latest time. */
  readonly notBefore: number;
  /** What the tree holds was there by then: the end of the (f+1)-th earliest second. */
  readonly notAfter: number;
}

type Bounds = readonly [notBefore: number, notAfter: number];

export class Policy {
  readonly logs: VerifierKey[] = [];
  readonly witnesses = new Map<string, VerifierKey>();
  readonly groups = new Map<string, Group>();
  quorum = "";

  /** What the witnesses say of a log's checkpoint; null where they are no quorum. "unknown": signed by no log here. */
  async witnessed(note: Bytes, engine: Engine): Promise<Witnessed | "unknown" | null> {
    const opened = await openCheckpoint(note, this.logs, engine);
    if (!opened) return "unknown";
    const times = await signers(parseNote(note), this.witnesses.values(), engine);
    const cosignatures = [...times].map(([key, time]) => timed(key, time));
    const bounds = this.quorum === NO_QUORUM ? null : this.#bounds(this.quorum, cosignatures);
    return bounds && { checkpoint: opened[0], cosignatures, notBefore: bounds[0], notAfter: bounds[1] };
  }

  #bounds(name: string, found: readonly Cosignature[]): Bounds | null {
    const witness = this.witnesses.get(name);
    if (witness) {
      const one = found.find(({ key }) => key === witness);
      return one ? [one.time * 1000, one.time * 1000 + 999] : null;
    }
    const group = this.groups.get(name)!;
    const each = group.members.map((member) => this.#bounds(member, found)).filter((bounds) => bounds !== null);
    if (each.length < group.threshold) return null;
    const nth = Math.min(liars(group), each.length - 1);
    const firsts = each.map(([first]) => first).sort((a, b) => b - a);
    const lasts = each.map(([, last]) => last).sort((a, b) => a - b);
    return [firsts[nth]!, lasts[nth]!];
  }

  /** Refuse a quorum that two contradicting checkpoints could have without a witness that signed both. */
  checkQuorum(): void {
    const group = this.groups.get(this.quorum);
    if (!group || this.#overlap(this.quorum) > liars(group)) return;
    throw fault(
      "two histories could each have the quorum {name}: any two quorums must share more than {liars} of its {members} " +
        "members, these may share {overlap}",
      { name: quoted(this.quorum), liars: liars(group), members: group.members.length, overlap: this.#overlap(this.quorum) },
    );
  }

  /** How many members two quorums of that name share at least; a shared group counts once. */
  #overlap(name: string): number {
    if (this.witnesses.has(name)) return 1;
    const { threshold, members } = this.groups.get(name)!;
    const shared = members.map((member) => Math.min(1, this.#overlap(member))).sort((a, b) => a - b);
    return shared.slice(0, Math.max(0, 2 * threshold - shared.length)).reduce((sum, one) => sum + one, 0);
  }
}

/** How many members may lie: f of n > 3f. */
function liars(group: Group): number {
  return Math.floor((group.members.length - 1) / 3);
}

function timed(key: VerifierKey, time: bigint): Cosignature {
  if (time <= 0n || time > BigInt(Math.floor(MAX_MS / 1000))) {
    throw fault("the cosignature of {name} gives no time", { name: key.name });
  }
  return { key, time: Number(time) };
}

export function parsePolicy(data: Bytes): Policy {
  if (data.length > MAX_POLICY) throw fault("a trust file of more than {size} bytes", { size: MAX_POLICY });
  const reader = new Reader();
  for (const [index, line] of split(data, [10]).entries()) {
    try {
      reader.line(line);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw fault("line {number}: {reason}", { number: index + 1, reason: error.reason });
    }
  }
  if (!reader.policy.quorum) throw fault("no quorum line; write `quorum none` where no witness is required");
  reader.policy.checkQuorum();
  return reader.policy;
}

class Reader {
  readonly policy = new Policy();
  readonly #seen = new Set<string>();
  readonly #grouped = new Set<string>();

  line(line: Bytes): void {
    const bad = line.find((byte) => (byte < 0x20 && byte !== 9) || byte === 0x7f);
    if (bad !== undefined) {
      throw fault("byte 0x{byte} is not allowed; lines end in a newline alone", { byte: bad.toString(16).padStart(2, "0") });
    }
    const words = split(line, [9, 32]).filter((word) => word.length).map(opaque);
    const [word, name = "", rest = "", ...more] = words;
    if (word === undefined || word.startsWith("#")) return;
    if (word === "log" && (words.length === 2 || words.length === 3)) this.#log(name);
    else if (word === "witness" && (words.length === 3 || words.length === 4)) this.#witness(name, rest);
    else if (word === "group" && words.length > 3) this.#group(name, rest, more);
    else if (word === "quorum" && words.length === 2) this.#quorum(name);
    else throw fault("not a line of a trust file: {word}", { word: quoted(word) });
  }

  #log(vkey: string): void {
    this.policy.logs.push(this.#key("log", vkey, [ED25519, ML_DSA_44]));
  }

  #witness(name: string, vkey: string): void {
    this.#checkNew(name);
    this.policy.witnesses.set(name, this.#key("witness", vkey, [COSIGNATURE_ED25519, ML_DSA_44]));
  }

  #quorum(name: string): void {
    if (this.policy.quorum) throw fault("a second quorum line");
    if (name !== NO_QUORUM) this.#checkKnown(name);
    this.policy.quorum = name;
  }

  #key(use: "log" | "witness", vkey: string, types: readonly number[]): VerifierKey {
    const key = parseKey(vkey);
    const isLog = use === "log";
    if (!types.includes(key.type)) {
      throw isLog ? fault("key type {type} cannot be a log's", { type: key.type }) : fault("key type {type} cannot be a witness's", { type: key.type });
    }
    const name = `${use} ${key.public}`;
    if (this.#seen.has(name)) {
      throw isLog ? fault("this log's key stands in the file twice") : fault("this witness's key stands in the file twice");
    }
    this.#seen.add(name);
    return key;
  }

  #group(name: string, threshold: string, members: readonly string[]): void {
    this.#checkNew(name);
    for (const member of members) {
      this.#checkKnown(member);
      if (this.#grouped.has(member)) throw fault("{name} is a member twice", { name: quoted(member) });
      this.#grouped.add(member);
    }
    const least = { any: "1", all: String(members.length) }[threshold] ?? threshold;
    if (!/^[1-9][0-9]{0,5}$/.test(least) || Number(least) > members.length) {
      throw fault("the threshold is not all, any or 1 to {most}", { most: members.length });
    }
    this.policy.groups.set(name, { threshold: Number(least), members });
  }

  #checkNew(name: string): void {
    const taken = name === NO_QUORUM || this.policy.witnesses.has(name) || this.policy.groups.has(name);
    if (taken) throw fault("the name {name} is taken", { name: quoted(name) });
  }

  #checkKnown(name: string): void {
    if (this.policy.witnesses.has(name) || this.policy.groups.has(name)) return;
    throw fault("{name} is not a witness or group of an earlier line", { name: quoted(name) });
  }
}

function split(data: Bytes, separators: readonly number[]): Bytes[] {
  const parts: Bytes[] = [];
  let from = 0;
  for (let at = 0; at <= data.length; at += 1) {
    if (at < data.length && !separators.includes(data[at]!)) continue;
    parts.push(data.subarray(from, at));
    from = at + 1;
  }
  return parts;
}

/** A name is opaque octets: those that are no UTF-8 become single code points that no text holds. */
function opaque(word: Bytes): string {
  return fromUtf8(word) ?? String.fromCharCode(...[...word].map((byte) => (byte < 0x80 ? byte : 0xdc00 + byte)));
}
