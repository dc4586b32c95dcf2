// The three languages of the page.

import { KAZAKH } from "./kk";
import { RUSSIAN } from "./ru";
import { ENGLISH, type Fact, said, tell, type Tongue } from "./said";

export const LANGUAGES: Readonly<Record<string, { readonly name: string; readonly short: string; readonly tongue: Tongue }>> = {
  kk: { name: "Қазақша", short: "Қаз", tongue: KAZAKH },
  ru: { name: "Русский", short: "Рус", tongue: RUSSIAN },
  en: { name: "English", short: "Eng", tongue: ENGLISH },
};

/** What is told in one language. */
export class Speaker {
  constructor(readonly code: string) {}

  /** The language of the address (`verifier.html#kk`), else the first of the reader's that we have. */
  static first(hash: string, wanted: readonly string[]): Speaker {
    const codes = [hash.replace(/^#/, ""), ...wanted.map((tag) => tag.split("-")[0]!.toLowerCase())];
    return new Speaker(codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? "en");
  }

  say(words: string, facts: Readonly<Record<string, Fact>> = {}): string {
    return this.tell(said(words, facts));
  }

  tell(what: Fact): string {
    return tell(what, LANGUAGES[this.code]!.tongue);
  }
}
