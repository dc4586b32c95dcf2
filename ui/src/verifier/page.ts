// The page of the offline verifier: whom to trust, which file, and what was found. Nothing here can send anything.

import { utf8, type Bytes } from "./bytes";
import { byId, h } from "./dom";
import { Engine } from "./engine";
import { LANGUAGES, Speaker } from "./languages";
import { parsePolicy, type Policy } from "./policy";
import type { Report } from "./report";
import { type Refusal, ResultView } from "./result";
import { count, type Fact, Fault, said, type Said } from "./said";
import { Zone } from "./times";
import { verifyFile } from "./verify";

const REMEMBERED = "aigaq-trust-file";
const MAX_TRUST = 16 << 20;

interface Trust {
  readonly policy: Policy | null;
  readonly problem: Said | null;
  readonly fingerprint: string;
}

class VerifierPage {
  #speaker = Speaker.first(location.hash, navigator.languages);
  readonly #zone = Zone.ofReader();
  readonly #engine = location.search.includes("bundled") ? Promise.resolve(Engine.bundled()) : Engine.best();
  #trust: Trust | null = null;
  #file: File | null = null;
  #report: Report | null = null;
  #refusal: Refusal | null = null;
  #running: AbortController | null = null;

  async begin(): Promise<void> {
    this.#listen();
    this.#speak();
    const remembered = this.#memory()?.getItem(REMEMBERED);
    if (!remembered) return;
    byId<HTMLInputElement>("remember").checked = true;
    byId<HTMLTextAreaElement>("trust-text").value = remembered;
    await this.#trustIn(utf8(remembered));
  }

  #listen(): void {
    const text = byId<HTMLTextAreaElement>("trust-text");
    const [trustFile, file] = [byId<HTMLInputElement>("trust-file"), byId<HTMLInputElement>("file")];
    text.addEventListener("input", () => void this.#trustIn(utf8(text.value)));
    trustFile.addEventListener("change", () => trustFile.files?.[0] && void this.#takeTrust(trustFile.files[0]));
    file.addEventListener("change", () => file.files?.[0] && void this.#take(file.files[0]));
    for (const input of [trustFile, file]) input.addEventListener("click", () => (input.value = "")); // the same file again
    byId("remember").addEventListener("change", () => this.#remember());
    byId("cancel").addEventListener("click", () => this.#running?.abort());
    addEventListener("hashchange", () => this.#switch(Speaker.first(location.hash, navigator.languages)));
    this.#listenForDrops();
  }

  #listenForDrops(): void {
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    addEventListener("dragleave", (event) => !event.relatedTarget && document.body.classList.remove("dragging"));
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dragging");
      void this.#drop([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /** Trust files first, so that the recording is judged by them. */
  async #drop(files: readonly File[]): Promise<void> {
    const zips = await Promise.all(files.map(isZip));
    const trust = files.find((file, i) => !zips[i] && file.size <= MAX_TRUST && /\.(txt|policy)$/i.test(file.name));
    const recording = files.find((file) => file !== trust);
    if (trust) await this.#takeTrust(trust);
    if (recording) await this.#take(recording);
  }

  // Whom to trust

  async #takeTrust(file: File): Promise<void> {
    if (await isZip(file)) return this.#take(file); // the recording, chosen at the wrong place
    const data = new Uint8Array(await file.slice(0, MAX_TRUST + 1).arrayBuffer());
    byId<HTMLTextAreaElement>("trust-text").value = new TextDecoder().decode(data.subarray(0, 1 << 20));
    await this.#trustIn(data);
  }

  async #trustIn(data: Bytes): Promise<void> {
    this.#trust = data.length ? await readTrust(data, await this.#engine) : null;
    this.#remember();
    this.#showTrust();
    if (this.#file) await this.#judge();
  }

  #remember(): void {
    const memory = this.#memory();
    const text = byId<HTMLTextAreaElement>("trust-text").value;
    if (byId<HTMLInputElement>("remember").checked && this.#trust?.policy) memory?.setItem(REMEMBERED, text);
    else memory?.removeItem(REMEMBERED);
  }

  /** Some browsers keep nothing for a file opened from disk. */
  #memory(): Storage | null {
    try {
      return localStorage;
    } catch {
      return null;
    }
  }

  #showTrust(): void {
    const place = byId("trusted");
    place.replaceChildren();
    if (!this.#trust) return;
    const { policy, problem, fingerprint } = this.#trust;
    if (!policy) {
      place.append(h("p", { class: "bad" }, this.#speaker.say("This trust file cannot be used: {reason}", { reason: problem ?? "" })));
      return;
    }
    const facts = { logs: count(policy.logs.length, "log"), witnesses: count(policy.witnesses.size, "witness") };
    place.append(h("p", {}, this.#speaker.say("It names {logs} and {witnesses}.", facts), " ", this.#quorumText(policy)));
    place.append(h("p", {}, this.#speaker.say("Fingerprint (SHA-256):"), " ", h("span", { class: "fingerprint" }, fingerprint)));
  }

  #quorumText(policy: Policy): string {
    const group = policy.groups.get(policy.quorum);
    if (policy.quorum === "none") return this.#speaker.say("It asks for no witness, so nothing can be more than UNWITNESSED.");
    return this.#speaker.say("{least} of {all} must agree.", { least: group?.threshold ?? 1, all: group?.members.length ?? 1 });
  }

  // Which recording

  async #take(file: File): Promise<void> {
    this.#file = file;
    await this.#judge();
  }

  async #judge(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    const file = this.#file!;
    this.#running = running;
    [this.#report, this.#refusal] = [null, this.#untrusted()];
    byId("working").hidden = true;
    this.#showResult();
    if (this.#refusal) return;
    this.#showProgress(file, 0);
    try {
      const watch = { progress: this.#teller(file), signal: running.signal };
      const report = await verifyFile(file, this.#trust?.policy ?? null, await this.#engine, watch);
      if (running.signal.aborted) return;
      this.#report = report;
    } catch (error) {
      if (running.signal.aborted) return;
      this.#refusal = this.#refused(file, error);
    } finally {
      if (this.#running === running) byId("working").hidden = true;
    }
    this.#showResult();
    byId("result").focus({ preventScroll: true });
    byId("result").scrollIntoView({ block: "start" });
  }

  #refused(file: File, error: unknown): Refusal {
    const reason = reasonOf(error);
    if (reason) return { verdict: "NOT A CLIP", reason: said("{file} cannot be judged: {reason}", { file: file.name, reason }) };
    reportError(error);
    return { verdict: "NO VERDICT", reason: said("This page itself failed: {error}. Please report it.", { error: String(error) }) };
  }

  /** Without a trust file one may judge, and learn that the key is unknown; with a wrong one there is no verdict. */
  #untrusted(): Refusal | null {
    const problem = this.#trust?.problem;
    return problem ? { verdict: "NO VERDICT", reason: said("This trust file cannot be used: {reason}", { reason: problem }) } : null;
  }

  /** Tells how far it is, ten times a second at most. */
  #teller(file: File): (done: number) => void {
    let told = 0;
    return (done) => {
      if (performance.now() - told < 100) return;
      told = performance.now();
      this.#showProgress(file, done);
    };
  }

  #showProgress(file: File, done: number): void {
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
    byId("working").hidden = false;
    byId<HTMLProgressElement>("progress").value = file.size ? Math.min(1, done / file.size) : 0;
    const facts = { name: file.name, done: megabytes(done), all: megabytes(file.size) };
    byId("working-text").textContent = this.#speaker.say("Checking {name}: {done} of {all} MB", facts);
  }

  // What was found

  #showResult(): void {
    const place = byId("result");
    const view = new ResultView(this.#speaker, this.#zone);
    place.hidden = !this.#report && !this.#refusal;
    if (this.#refusal) place.replaceChildren(view.refusal(this.#refusal));
    if (!this.#report) return;
    place.replaceChildren(...view.nodes(this.#report, this.#file!.name), this.#actions(view, this.#report));
  }

  #actions(view: ResultView, report: Report): Node {
    const button = (words: string, press: (button: HTMLButtonElement) => void): HTMLButtonElement => {
      const made = h("button", { class: "button", type: "button" }, this.#speaker.say(words));
      made.addEventListener("click", () => press(made));
      return made;
    };
    const copy = async (made: HTMLButtonElement): Promise<void> => {
      await navigator.clipboard.writeText(view.text(report, this.#file!.name));
      made.textContent = this.#speaker.say("Copied");
    };
    return h("div", { class: "actions" }, button("Copy the report as text", (made) => void copy(made)), button("Print", () => print()));
  }

  // In which language

  #switch(speaker: Speaker): void {
    this.#speaker = speaker;
    this.#speak();
    this.#showTrust();
    this.#showResult();
  }

  #speak(): void {
    document.documentElement.lang = this.#speaker.code;
    document.title = `${this.#speaker.say("Check a recording yourself")} · Aigaq`;
    for (const element of document.querySelectorAll<HTMLElement>("[data-say], [data-say-label]")) {
      const { say: words, sayLabel: label } = element.dataset;
      if (words) element.textContent = this.#speaker.say(words);
      if (label) element.ariaLabel = this.#speaker.say(label);
    }
    byId("languages").replaceChildren(...Object.entries(LANGUAGES).map(([code, { name, short }]) =>
      h("a", { href: `#${code}`, lang: code, "aria-current": code === this.#speaker.code ? "true" : null },
        h("span", { class: "full" }, name), h("span", { class: "short", "aria-hidden": "true" }, short))));
    byId("languages").ariaLabel = this.#speaker.say("Language");
    void this.#tellEngine();
  }

  async #tellEngine(): Promise<void> {
    const { native } = await this.#engine;
    const words = native.length ? "Computed by this browser itself: {native}; the rest by code in this page." : "Computed by code in this page alone.";
    byId("engine").textContent = this.#speaker.say(words, { native: native.join(", ") });
  }
}

async function readTrust(data: Bytes, engine: Engine): Promise<Trust> {
  const hex = [...(await engine.sha256(data))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const fingerprint = hex.match(/.{4}/g)!.join(" ");
  try {
    return { policy: parsePolicy(data), problem: null, fingerprint };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { policy: null, problem: error.reason, fingerprint };
  }
}

/** Why bytes were refused, or why the browser cannot read the file any more; null for a fault of ours. */
function reasonOf(error: unknown): Fact | null {
  if (error instanceof Fault) return error.reason;
  return error instanceof DOMException ? error.message : null;
}

async function isZip(file: File): Promise<boolean> {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return start[0] === 0x50 && start[1] === 0x4b;
}

void new VerifierPage().begin();
