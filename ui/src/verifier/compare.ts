// What `aigaq verify --json` prints, from this verifier: for tests that compare the two, and for measuring.

import type { Bytes } from "./bytes";
import { Engine } from "./engine";
import { parsePolicy } from "./policy";
import { asJson } from "./report";
import { Fault } from "./said";
import { verifyFile } from "./verify";

const USAGE = { verdict: "USAGE", exit_code: 2 };
const NOT_A_CLIP = { verdict: "NOT A CLIP", exit_code: 8 };

export async function compare(file: Blob, trust: Bytes | null, which: string): Promise<object> {
  const engine = which === "bundled" ? Engine.bundled() : await Engine.best();
  const policy = attempt(() => trust && parsePolicy(trust));
  if (policy instanceof Fault) return { ...USAGE, headline: policy.message };
  try {
    return asJson(await verifyFile(file, policy, engine));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...NOT_A_CLIP, headline: error.message };
  }
}

function attempt<T>(read: () => T): T | Fault {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}
