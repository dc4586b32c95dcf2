import type { Tongue } from "./said";
export const RUSSIAN: Tongue = { sentences: {}, nouns: {}, form: () => 0 };
