// Sentences that are told in the reader's language: English words with blanks, and what goes into them.

/** A number of things: `{ count: 3, noun: "row" }` reads “3 rows”. */
export interface Count {
  readonly count: number;
  readonly noun: string;
}

export interface Sentence {
  readonly words: string;
  readonly facts: Readonly<Record<string, Fact>>;
}

export type Said = Sentence | Count | readonly Said[];
export type Fact = string | number | bigint | Said;

/** English words with `{blanks}`; they are also the key of the translations. */
export function said(words: string, facts: Readonly<Record<string, Fact>> = {}): Sentence {
  return { words, facts };
}

export function count(number: number, noun: string): Count {
  return { count: number, noun };
}

/** What is wrong with some bytes. Nothing else may be caught where bytes are read. */
export class Fault extends Error {
  constructor(readonly reason: Said) {
    super(tell(reason));
  }
}

export function fault(words: string, facts: Readonly<Record<string, Fact>> = {}): Fault {
  return new Fault(said(words, facts));
}

export interface Tongue {
  readonly sentences: Readonly<Record<string, string>>;
  /** Forms of a noun behind a number, in the order that `form` chooses from. */
  readonly nouns: Readonly<Record<string, readonly string[]>>;
  readonly form: (count: number) => number;
}

export const ENGLISH: Tongue = { sentences: {}, nouns: { log: ["log", "logs"], witness: ["witness", "witnesses"] }, form: (count) => (count === 1 ? 0 : 1) };

export function tell(what: Fact, tongue: Tongue = ENGLISH): string {
  if (typeof what !== "object") return String(what);
  if (Array.isArray(what)) return what.map((part: Said) => tell(part, tongue)).join("; ");
  if ("noun" in what) return `${what.count} ${nounIn(what, tongue)}`;
  const { words, facts } = what as Sentence;
  const pattern = tongue.sentences[words] ?? words;
  return pattern.replace(/\{(\w+)\}/g, (blank, name: string) => (name in facts ? tell(facts[name]!, tongue) : blank));
}

function nounIn({ count, noun }: Count, tongue: Tongue): string {
  const forms = tongue.nouns[noun] ?? [`${noun}s`]; // the command line says “1 rows” too
  return forms[Math.min(tongue.form(count), forms.length - 1)]!;
}

/** A name out of foreign bytes, between quotes, with what does not print escaped. */
export function quoted(name: string): string {
  const quote = name.includes("'") && !name.includes('"') ? '"' : "'";
  const inside = [...name].map((character) => escaped(character, quote)).join("");
  return `${quote}${inside}${quote}`;
}

function escaped(character: string, quote: string): string {
  if (character === quote || character === "\\") return `\\${character}`;
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  if (short) return short;
  const code = character.codePointAt(0)!;
  if (code < 0x20 || (code >= 0x7f && code < 0xa1) || code === 0xad) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code >= 0xd800 && code < 0xe000 ? `\\u${code.toString(16)}` : character;
}
