// What `aigaq verify --json` prints, from this verifier: for tests that compare the two, and for measuring.

import { type Bytes, fromHex } from "./bytes";
import { Engine, type Kind } from "./engine";
import { parsePolicy, type Policy } from "./policy";
import { asJson } from "./report";
import { Fault } from "./said";
import { verifyFile } from "./verify";

export async function compare(file: Blob, trust: Bytes | null, which: string): Promise<object> {
  let policy: Policy | null;
  try {
    policy = trust && parsePolicy(trust);
  } catch (error) {
    return refused("USAGE", 2, error);
  }
  try {
    return asJson(await verifyFile(file, policy, await engineOf(which)));
  } catch (error) {
    return refused("NOT A CLIP", 8, error);
  }
}

/** One answer for each of [kind, key, message, signature], the last three in hexadecimal. */
export async function verifyEach(vectors: readonly (readonly [Kind, string, string, string])[], which: string): Promise<boolean[]> {
  const engine = await engineOf(which);
  return Promise.all(vectors.map(([kind, ...parts]) => {
    const [key, message, signature] = parts.map(fromHex) as [Bytes, Bytes, Bytes];
    return engine.verify(kind, key, message, signature);
  }));
}

function engineOf(which: string): Promise<Engine> {
  return which === "bundled" ? Promise.resolve(Engine.bundled()) : Engine.best();
}

function refused(verdict: string, code: number, error: unknown): object {
  if (!(error instanceof Fault)) throw error;
  return { verdict, exit_code: code, headline: error.message };
}
