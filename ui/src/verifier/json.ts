// JSON read strictly: no field twice, and whole numbers told from others, so that both verifiers see the same facts.

import type { Fault } from "./said";

/** Whole numbers are bigints; what was written with a point or an exponent stays a number. */
export type Json = null | boolean | string | bigint | number | readonly Json[] | { readonly [name: string]: Json };

const TOKEN = /[ \t\n\r]*(?:([{}[\],:])|"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"|(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][+-]?[0-9]+)?|(true|false|null))/y;
const MAX_DEPTH = 64;
const MAX_DIGITS = 4300; // as in Python: reading longer ones takes time that grows with their square
const WORDS: Readonly<Record<string, Json>> = { true: true, false: false, null: null };

/** The value of a text; `bad` is what to say where it is none, or where a field comes twice. */
export function parseJson(text: string, bad: () => Fault): Json {
  const reader = new Reader(text, bad);
  const value = reader.value(0);
  if (/[^ \t\n\r]/.test(text.slice(reader.at))) throw bad();
  return value;
}

class Reader {
  at = 0;
  constructor(private readonly text: string, private readonly bad: () => Fault) {}

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw this.bad();
    const token = this.#token();
    if (token === "{") return this.#object(depth);
    if (token === "[") return this.#array(depth);
    return this.#scalar(token);
  }

  #scalar(token: string): Json {
    if (token in WORDS) return WORDS[token]!;
    if (token.startsWith('"')) return JSON.parse(token) as string;
    if (/^-?[0-9]+$/.test(token)) return this.#whole(token);
    if (/^-?[0-9]/.test(token)) return Number(token);
    throw this.bad();
  }

  #whole(token: string): bigint {
    if (token.length > MAX_DIGITS) throw this.bad();
    return BigInt(token);
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    if (this.#peek() === "]") return this.#token(), items;
    for (;;) {
      items.push(this.value(depth + 1));
      const next = this.#token();
      if (next === "]") return items;
      if (next !== ",") throw this.bad();
    }
  }

  #object(depth: number): Json {
    const fields = new Map<string, Json>();
    if (this.#peek() === "}") return this.#token(), {};
    for (;;) {
      const name = this.#scalar(this.#token());
      if (typeof name !== "string" || fields.has(name) || this.#token() !== ":") throw this.bad();
      fields.set(name, this.value(depth + 1));
      const next = this.#token();
      if (next === "}") return Object.fromEntries(fields);
      if (next !== ",") throw this.bad();
    }
  }

  #peek(): string {
    const at = this.at;
    const token = this.#token();
    this.at = at;
    return token;
  }

  #token(): string {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    if (!found) throw this.bad();
    this.at = TOKEN.lastIndex;
    return found[0].replace(/^[ \t\n\r]+/, "");
  }
}

