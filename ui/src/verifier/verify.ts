// One file in, one report out: a clip, or an evidence package with a clip of each stream in one BagIt 1.0 folder
// (RFC 8493). The package's trust file, lists and certificates are for reading; nothing is believed because they say so.

import { type Bytes, equal, toHex, utf8 } from "./bytes";
import { StoredZip } from "./container";
import type { Engine } from "./engine";
import { Container, Files, type Watch } from "./files";
import { judge } from "./judge";
import { MANIFEST, MAX_MANIFEST, parseManifest } from "./manifest";
import type { Policy } from "./policy";
import { type ClipReport, Findings, type Report, verdictOf, worst } from "./report";
import { Fault, fault, quoted, said } from "./said";

const BAGIT = "bagit.txt";
const PAYLOAD = "manifest-sha256.txt";
const TAGS = "tagmanifest-sha256.txt";
const DECLARATION = utf8("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
const CLIP = /^(data\/clips\/[a-z0-9-]{1,40}\/)clip\.json$/;
const LINE = /^([0-9a-f]{64}) {2}([\x21-\x7e]+)$/;
const NOBODY: Watch = { progress: () => undefined, signal: null };

/** Judges a file; throws a Fault with the reason where it is neither a clip nor a package. */
export async function verifyFile(file: Blob, policy: Policy | null, engine: Engine, watch: Watch = NOBODY): Promise<Report> {
  const container = new Container(await StoredZip.open(file), engine, watch);
  if (container.zip.sizes.has(MANIFEST)) {
    const clip = await judgeClip(new Files(container), policy, engine);
    return { verdict: verdictOf(clip), isPackage: false, lines: [], clips: [clip] };
  }
  if (container.zip.sizes.has(BAGIT)) return judgePackage(container, policy, engine);
  throw fault("it has neither {clip} nor {bag}", { clip: MANIFEST, bag: BAGIT });
}

async function judgeClip(files: Files, policy: Policy | null, engine: Engine): Promise<ClipReport> {
  const manifest = await files.read(MANIFEST, MAX_MANIFEST);
  return judge(parseManifest(manifest?.data ?? new Uint8Array()), files, policy, engine);
}

async function judgePackage(container: Container, policy: Policy | null, engine: Engine): Promise<Report> {
  const found = new Findings();
  const digests = new Map<string, string>();
  const clips: ClipReport[] = [];
  for (const folder of [...container.zip.sizes.keys()].flatMap((name) => CLIP.exec(name)?.[1] ?? [])) {
    const files = new Files(container, folder);
    try {
      clips.push(await judgeClip(files, policy, engine));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      found.bad("clips", "FAILED", said("{name}: {reason}", { name: folder, reason: error.reason }));
    }
    for (const [name, digest] of files.digests) digests.set(folder + name, digest);
  }
  if (!clips.length) found.bad("clips", "FAILED", said("it holds no clip that can be read"));
  found.good("clips", said("{count}, each judged below", { count: clips.length }));
  await new Bag(container, digests, found).check();
  const lines = [found.line("package"), found.line("clips")];
  return { verdict: worst([...lines.map(({ verdict }) => verdict), ...clips.map(verdictOf)]), isPackage: true, lines, clips };
}

/** The folder of the package: each file listed with its hash, none missing, none added. */
class Bag {
  readonly #names: readonly string[];

  constructor(private readonly container: Container, private readonly digests: ReadonlyMap<string, string>, private readonly found: Findings) {
    this.#names = [...container.zip.sizes.keys()];
  }

  async check(): Promise<void> {
    const payload = this.#names.filter((name) => name.startsWith("data/"));
    const tags = this.#names.filter((name) => !name.startsWith("data/") && name !== TAGS);
    const declared = await this.#small(BAGIT, DECLARATION.length);
    if (!declared || !equal(declared, DECLARATION)) this.#failed("{name} does not declare BagIt 1.0 in UTF-8", BAGIT);
    await this.#compare(PAYLOAD, payload);
    await this.#compare(TAGS, tags);
    const facts = { count: payload.length, name: PAYLOAD };
    this.found.good("package", said("{count} files, each with the SHA-256 of {name}; none missing, none added", facts));
  }

  async #compare(manifest: string, expected: readonly string[]): Promise<void> {
    const listed = await this.#readManifest(manifest);
    const present = new Set(expected);
    const either = new Set([...expected, ...listed.keys()]);
    const odd = [...either].filter((name) => !present.has(name) || !listed.has(name)).sort();
    for (const name of odd) this.#failed("{name} is not both in {list} and here", quoted(name), manifest);
    for (const name of [...expected].filter((each) => listed.has(each)).sort()) {
      const digest = this.digests.get(name) ?? toHex(await this.container.sha256(name));
      if (digest !== listed.get(name)) this.#failed("{name} is not the file that was packed", quoted(name));
    }
  }

  async #readManifest(name: string): Promise<ReadonlyMap<string, string>> {
    const listed = new Map<string, string>();
    const data = await this.#small(name, MAX_MANIFEST);
    const lines = new TextDecoder("latin1").decode(data ?? new Uint8Array()).replace(/\n$/, "").split("\n");
    for (const line of lines) {
      const [, digest, file] = LINE.exec(line) ?? [];
      if (digest && file) listed.set(file, digest);
    }
    if (listed.size !== lines.length) this.#failed("{name} is missing, or has a line that is no hash and file, or one twice", name);
    return listed;
  }

  async #small(name: string, limit: number): Promise<Bytes | null> {
    const size = this.container.zip.sizes.get(name);
    return size === undefined || size > limit ? null : (await this.container.read(name)).data;
  }

  #failed(words: string, name: string, list = ""): void {
    this.found.bad("package", "FAILED", said(words, { name, list }));
  }
}
