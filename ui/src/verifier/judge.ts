// Whether a clip holds: bytes, records, both logs, witnesses, times, keys, and no time lost without a signature.
//
// Nothing here believes `clip.json`: it says what was asked for, and the answer must follow from the records, the proofs
// and the trust file alone. The same steps, in the same order, as in packages/verify/src/aigaq_verify/judge.py.

import { type Bytes, equal, toHex } from "./bytes";
import { encodeArray } from "./cbor";
import { brokenChain, closes, type Row, rowOf, stretches, touches } from "./coverage";
import type { Engine } from "./engine";
import { type Files, inOrder, type Read } from "./files";
import { MANIFEST, type Manifest, README } from "./manifest";
import { fragmentTimes } from "./mp4";
import { Authority, type Logged, NationalLog, notAfter, type Seal } from "./national";
import { MAX_NOTE, parseCheckpoint, parseNote, signers } from "./note";
import type { Policy } from "./policy";
import { MAX_PROOF, parseProof } from "./proof";
import { decodeLeaf, decodeRecord, Kind, MAX_LEAF, MAX_RECORD, type SegmentRecord, segmentFile } from "./records";
import { NATIONAL } from "./rules";
import { CHECKS, type ClipReport, Findings, type Stretch } from "./report";
import { count, Fault, fault, quoted, type Said, said } from "./said";
import { digest, leafHash, verifyInclusion } from "./tree";

const MAX_INIT = 1 << 20;
const MAX_README = 64 << 10;
const MEDIA_CLOCK_MS = 1_000;
/** The station's clock may differ by this much from what the proofs allow. */
const CLOCK_MS = 5_000;
const LATE_MS = 60_000;
const MAX_STATION_NOTE = 4096;
const RECOVERED = 1;
const SEGMENTS_AT_ONCE = 3;

type Bound = number | null;

/** Judge one clip against the keys that the reader trusts. */
export async function judge(clip: Manifest, files: Files, policy: Policy | null, engine: Engine): Promise<ClipReport> {
  const found = new Findings();
  const log = new NationalLog(clip.log, policy, found, engine);
  const rows = await readRows(files, found);
  const leaves = await readLeaves(clip, files, found, log);
  await checkBytes(clip, rows, files, found);
  for (const problem of brokenChain(clip, rows)) found.bad("records", "FAILED", problem);
  const authority = new Authority(clip, leaves, engine);
  const seals = new Seals(clip, files, found, log, authority, engine);
  const [low, high] = await new Times(clip, files, found, log, seals).check(rows);
  if (!policy) found.bad("key", "UNKNOWN_KEY", said("for the log {log} {reason}", { log: clip.log, reason: said("no trust file was given (--trust)") }));
  await seals.checkKeys();
  const missing = checkInterval(clip, rows, leaves, found);
  checkFiles(clip, files, found);
  found.good("records", said("{rows}, numbered and chained without a break", { rows: count(rows.length, "row") }));
  found.good("witnesses", said("a quorum cosigned a checkpoint over every row"));
  found.good("interval", said("footage from the first moment to the last"));
  found.good("files", said("none missing, none added"));
  const pieces = rows.flatMap(({ record, start, end }) => (record.type === 1 ? [{ from: start, to: end!, seq: record.seq }] : []));
  return { clip, lines: CHECKS.map((check) => found.line(check)), stretches: missing, pieces, notBefore: low, notAfter: high };
}

// What the clip holds

function numbered(files: Files, fileOf: (index: bigint) => string): (readonly [bigint, string])[] {
  return [...files.sizes.keys()].flatMap((name) => {
    const number = /[0-9]{1,16}/.exec(name);
    return number && fileOf(BigInt(number[0])) === name ? [[BigInt(number[0]), name] as const] : [];
  });
}

async function readRows(files: Files, found: Findings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [index, name] of numbered(files, (number) => `records/${number}.cbor`)) {
    const data = (await files.read(name, MAX_RECORD))?.data ?? new Uint8Array();
    const record = attempt(() => decodeRecord(data));
    if (record instanceof Fault) found.bad("records", "FAILED", said("{name}: {reason}", { name, reason: record.reason }));
    else rows.push(rowOf(index, record, leafHash(data)));
  }
  return rows.sort((a, b) => (a.index < b.index ? -1 : 1));
}

async function readLeaves(clip: Manifest, files: Files, found: Findings, log: NationalLog): Promise<Logged[]> {
  const leaves: Logged[] = [];
  for (const [index, name] of numbered(files, (number) => `leaves/${number}.cbor`)) {
    const data = (await files.read(name, MAX_LEAF))?.data ?? new Uint8Array();
    const leaf = attempt(() => decodeLeaf(data));
    if (leaf instanceof Fault) {
      found.bad("log", "FAILED", said("{name}: {reason}", { name, reason: leaf.reason }));
      continue;
    }
    const proof = `leaves/${index}.tlog-proof`;
    const place = await log.place(proof, (await files.read(proof, MAX_PROOF))?.data ?? null, leaf.hash);
    if (!place) continue;
    const { election, station } = leaf.values;
    const ours = place.index === index && election === clip.election && station === clip.station;
    if (ours) leaves.push({ leaf, place });
    else found.bad("log", "FAILED", said("{name} is another leaf, or one of another station", { name }));
  }
  return leaves;
}

// Bytes

async function checkBytes(clip: Manifest, rows: readonly Row[], files: Files, found: Findings): Promise<void> {
  const inits = new Map<string, Bytes>();
  const segments: SegmentRecord[] = [];
  for (const row of rows) {
    if (row.record.type !== 1) continue;
    if (!files.sizes.has(segmentFile(row.record)) && !touches(row, clip)) continue; // a neighbour, here for its row alone
    segments.push(row.record);
    inits.set(toHex(row.record.init_sha256), row.record.init_sha256);
  }
  const judged = inOrder(segments, SEGMENTS_AT_ONCE, async (record) =>
    segmentProblem(record, await files.read(segmentFile(record), record.size)));
  for await (const [record, problem] of judged) {
    if (problem) found.bad("bytes", "FAILED", said("{name}: {reason}", { name: segmentFile(record), reason: problem }));
  }
  for (const [hex, sha256] of inits) {
    const name = `init/${hex.slice(0, 16)}.mp4`;
    const read = await files.read(name, MAX_INIT);
    if (!read || !equal(read.sha256, sha256)) {
      found.bad("bytes", "FAILED", said("{name}: {reason}", { name, reason: said("missing, or not the bytes that were sealed") }));
    }
  }
  const facts = { segments: count(segments.length, "segment") };
  found.good("bytes", said("{segments} are the bytes that were sealed (SHA-256), as is what plays them", facts));
}

function segmentProblem(record: SegmentRecord, read: Read | null): Said | null {
  if (!read || read.data.length !== record.size || !equal(read.sha256, record.sha256)) {
    return said("missing, or not the bytes that were sealed");
  }
  const times = attempt(() => fragmentTimes(read.data));
  if (times instanceof Fault) return times.reason;
  const low = record.start_ms - MEDIA_CLOCK_MS;
  const high = record.start_ms + record.duration_ms + MEDIA_CLOCK_MS;
  const startsThere = times.length > 0 && times[0]! <= record.start_ms + MEDIA_CLOCK_MS;
  const agrees = startsThere && times.every((time) => low <= time && time <= high);
  return agrees ? null : said("the clock in its bytes does not agree with its record");
}

// Row -> station log -> national log

class Seals {
  readonly #seals = new Map<string, Seal>();

  constructor(
    private readonly clip: Manifest,
    private readonly files: Files,
    private readonly found: Findings,
    private readonly log: NationalLog,
    private readonly authority: Authority,
    private readonly engine: Engine,
  ) {}

  /** The first link of a row: the station's checkpoint that covers it; null where that is not proven. */
  async of(row: Row): Promise<Seal | null> {
    const name = `proofs/${row.index}.tlog-proof`;
    const read = await this.files.read(name, MAX_PROOF);
    if (!read) return this.#bad("NOT_IN_LOG", said("{name}: {reason}", { name, reason: said("missing") }));
    try {
      const proof = parseProof(read.data);
      const seal = await this.#opened(proof.note);
      const { size, root } = seal.checkpoint;
      if (proof.index === row.index && verifyInclusion(row.leaf, proof.index, size, proof.hashes, root)) return seal;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return this.#bad("FAILED", said("{name}: {reason}", { name, reason: error.reason }));
    }
    return this.#bad("NOT_IN_LOG", said("row {index} is not proven to be in the station's log", { index: row.index }));
  }

  #bad(verdict: "NOT_IN_LOG" | "FAILED", problem: Said): null {
    this.found.bad("log", verdict, problem);
    return null;
  }

  /** The second link: that checkpoint in the national log. */
  async #opened(data: Bytes): Promise<Seal> {
    const name = toHex(digest(data));
    const known = this.#seals.get(name);
    if (known) return known;
    const { election, station, origin, log } = this.clip;
    const note = parseNote(data);
    const checkpoint = parseCheckpoint(note.text);
    if (checkpoint.origin !== origin || origin !== `${log}/s/${station}`) {
      throw fault("{origin} is not this polling station's log in {log}", { origin: checkpoint.origin, log });
    }
    const [key = null] = (await signers(note, this.authority.keys, this.engine)).keys();
    if (data.length > MAX_STATION_NOTE) throw fault("{name} is not {rule}", { name: "note", rule: NATIONAL[Kind.STATION_CHECKPOINT]["note"]!.words });
    const proof = `checkpoints/${checkpoint.size}.tlog-proof`;
    const leaf = leafHash(encodeArray([Kind.STATION_CHECKPOINT, election, station, data]));
    const place = await this.log.place(proof, (await this.files.read(proof, MAX_PROOF))?.data ?? null, leaf);
    const seal = { checkpoint, key, place, notBefore: null, claimed: 0 };
    this.#seals.set(name, seal);
    return seal;
  }

  async checkKeys(): Promise<void> {
    if (!this.#seals.size) this.#bad("NOT_IN_LOG", said("no row is proven to be in any log"));
    for (const seal of this.#seals.values()) {
      const problem = seal.place && (await this.authority.problem(seal));
      const facts = { size: seal.checkpoint.size, problem: problem ? problem[1] : "" };
      if (problem) this.found.bad("key", problem[0], said("station checkpoint {size}: {problem}", facts));
    }
    this.found.good("key", said("sealed by {keys}", { keys: [...this.authority.told.values()] }));
    const checkpoints = count(this.#seals.size, "checkpoint");
    this.found.good("log", said("every row is in the station's log, its {checkpoints} in {log}", { checkpoints, log: this.clip.log }));
  }
}

// Witnesses and time

class Times {
  readonly #beacons = new Map<string, Bound>();

  constructor(
    private readonly clip: Manifest,
    private readonly files: Files,
    private readonly found: Findings,
    private readonly log: NationalLog,
    private readonly seals: Seals,
  ) {}

  /** Between which times the rows of the interval were made, as far as that is proven. */
  async check(rows: readonly Row[]): Promise<readonly [Bound, Bound]> {
    const proven: (readonly [Bound, Bound])[] = [];
    let low: Bound = null;
    for (const [i, row] of rows.entries()) {
      const seal = await this.seals.of(row);
      const beacon = await this.#beacon(row, seal);
      if (beacon !== null) low = Math.max(low ?? 0, beacon); // `prev` carries it on
      if (!seal) continue;
      seal.notBefore = low;
      seal.claimed = Math.max(seal.claimed, last(row));
      this.#checkRow(row, seal);
      const toldAgain = i + 1 < rows.length && closes(rows[i + 1]!, row); // by the next, with its end
      if (touches(row, this.clip) && !toldAgain) proven.push([low, notAfter(seal)]);
    }
    return this.#tell(proven);
  }

  /** Since when a quorum's word that is inside the row has been there; null where no such word is. */
  async #beacon(row: Row, seal: Seal | null): Promise<Bound> {
    const { beacon_size: size, beacon_hash16: hash16 } = row.record;
    if (!size) return null;
    if (seal?.place && seal.place.index < size) {
      this.#failed(said("row {index} names a checkpoint that is newer than its own", { index: row.index }));
    }
    const name = `beacons/${size}-${toHex(hash16)}.note`;
    const known = this.#beacons.get(name);
    if (known !== undefined) return known;
    const beacon = await this.#readBeacon(name, row);
    this.#beacons.set(name, beacon);
    return beacon;
  }

  async #readBeacon(name: string, row: Row): Promise<Bound> {
    const { beacon_size: size, beacon_hash16: hash16 } = row.record;
    const note = await this.files.read(name, MAX_NOTE);
    if (!note || !equal(note.sha256.subarray(0, 16), hash16)) {
      this.#failed(said("{name}: missing, or not the one that row {index} names", { name, index: row.index }));
      return null;
    }
    const judged = await this.log.judged(note.data);
    if (judged && judged.checkpoint.size !== BigInt(size)) {
      this.#failed(said("{name}: its size is {size}", { name, size: judged.checkpoint.size }));
    }
    return judged?.witnessed?.notBefore ?? null;
  }

  #checkRow(row: Row, seal: Seal): void {
    const { record, index } = row;
    const [low, high] = [seal.notBefore, notAfter(seal)];
    const madeAtEnd = record.type === 1 && !(record.flags & RECOVERED);
    if (madeAtEnd && low !== null && last(row) < low - CLOCK_MS) {
      this.#failed(said("row {index} claims a time before the checkpoint inside it", { index }));
    }
    if (high !== null && last(row) > high + CLOCK_MS) {
      this.#failed(said("row {index} claims a time after witnesses had seen it", { index }));
    }
    if (!touches(row, this.clip)) return;
    if (high === null && seal.place) {
      const size = seal.checkpoint.size;
      this.found.bad("witnesses", "UNWITNESSED", said("no quorum that you trust cosigned station checkpoint {size}", { size }));
    } else if (high !== null && row.end !== null && high - row.end > LATE_MS) {
      const seconds = Math.floor((high - row.end) / 1000);
      this.found.bad("time", "LATE", said("row {index} reached the witnesses {seconds} s after the time it claims", { index, seconds }));
    }
  }

  #failed(problem: Said): void {
    this.found.bad("time", "FAILED", problem);
  }

  #tell(proven: readonly (readonly [Bound, Bound])[]): readonly [Bound, Bound] {
    const lows = proven.flatMap(([low]) => low ?? []);
    const highs = proven.flatMap(([, high]) => high ?? []);
    const unknown = proven.length - lows.length;
    if (unknown) {
      const rows = count(unknown, "row");
      this.found.bad("time", "UNWITNESSED", said("{rows} hold no witnessed checkpoint and may be older than they say", { rows }));
    } else if (lows.length && highs.length === lows.length) {
      const width = most(lows.map((low, i) => highs[i]! - low));
      this.found.good("time", said("every row was made within a known {seconds} s, and claims that time", { seconds: Math.floor(width / 1000) }));
    }
    const whole = (ends: readonly number[]): boolean => proven.length > 0 && ends.length === proven.length;
    return [whole(lows) ? -most(lows.map((low) => -low)) : null, whole(highs) ? most(highs) : null];
  }
}

/** The last time that a row claims. */
function last(row: Row): number {
  return row.end ?? row.start;
}

function most(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

// What is missing

function checkInterval(clip: Manifest, rows: readonly Row[], leaves: readonly Logged[], found: Findings): Stretch[] {
  const missing = stretches(clip, rows);
  const absences = absencesIn(clip, leaves);
  const silent = missing.filter(({ cause }) => cause === null).length;
  const facts = {
    holes: count(silent, "silent hole"), gaps: count(missing.length - silent, "signed gap"), absences: count(absences.length, "absence"),
  };
  if (missing.length || absences.length) {
    found.bad("interval", silent ? "SILENT_HOLE" : "GAP", said("{holes}, {gaps}, {absences}", facts));
  }
  return [...missing, ...absences].sort((a, b) => a.from - b.from);
}

interface Absence {
  readonly seq: number;
  readonly from_ms: number;
  readonly to_ms: number | null;
}

/** Times in which the centre heard nothing; the leaf that ends one tells its beginning again. */
function absencesIn(clip: Manifest, leaves: readonly Logged[]): Stretch[] {
  const told = new Map<number, Stretch>();
  const absences = leaves.filter(({ leaf }) => leaf.kind === Kind.ABSENCE).map(({ leaf }) => leaf.values as unknown as Absence);
  absences.sort((a, b) => Number(a.to_ms !== null) - Number(b.to_ms !== null));
  for (const { seq, from_ms: from, to_ms: to } of absences) told.set(seq, { from, to, cause: "absence" });
  return [...told.values()].filter(({ from, to }) => from < clip.to && (to === null || to > clip.from));
}

function checkFiles(clip: Manifest, files: Files, found: Findings): void {
  const there = [...files.sizes.keys()].filter((name) => name !== MANIFEST);
  const listed = new Set(clip.files);
  if ((files.sizes.get(README) ?? 0) > MAX_README) {
    found.bad("files", "FAILED", said("{name} is larger than a text to read", { name: README }));
  }
  const told = (names: Iterable<string>, words: string): void => {
    for (const name of [...names].sort()) found.bad("files", "FAILED", said(words, { name: quoted(name), list: MANIFEST }));
  };
  told(there.filter((name) => !files.used.has(name) && name !== README), "{name} belongs to no row");
  told([...listed].filter((name) => !files.sizes.has(name) || name === MANIFEST), "{name} is promised by {list}");
  told(there.filter((name) => !listed.has(name)), "{name} is not in {list}");
}

function attempt<T>(read: () => T): T | Fault {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}
