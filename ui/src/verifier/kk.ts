import type { Tongue } from "./said";
export const KAZAKH: Tongue = { sentences: {}, nouns: {}, form: () => 0 };
