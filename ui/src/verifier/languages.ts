// The three languages of the page.

import { ENGLISH, type Fact, said, tell, type Tongue } from "./said";
import { NOUNS, TEXTS } from "./texts";

function tongue(column: 0 | 1, form: (count: number) => number): Tongue {
  const columnOf = <T>(table: Readonly<Record<string, readonly [T, T]>>): Record<string, T> =>
    Object.fromEntries(Object.entries(table).map(([words, texts]) => [words, texts[column]]));
  return { sentences: columnOf(TEXTS), nouns: columnOf(NOUNS), form };
}

const RUSSIAN_FORMS = ["one", "few", "many"];
const russianPlural = new Intl.PluralRules("ru");
const KAZAKH = tongue(0, () => 0);
const RUSSIAN = tongue(1, (count) => RUSSIAN_FORMS.indexOf(russianPlural.select(count)));

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
