// What `aigaq verify --json` prints, from this verifier: for tests that compare the two, and for measuring.

import { type Bytes, fromHex } from "./bytes";
import { Engine } from "./engine";
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

/** One answer for each of [key, message, signature] in hexadecimal. */
export async function verifyEach(vectors: readonly (readonly [string, string, string])[], which: string): Promise<boolean[]> {
  const engine = await engineOf(which);
  const answers = vectors.map(([key, message, signature]) => engine.verify("Ed25519", fromHex(key), fromHex(message), fromHex(signature)));
  return Promise.all(answers);
}

function engineOf(which: string): Promise<Engine> {
  return which === "bundled" ? Promise.resolve(Engine.bundled()) : Engine.best();
}

function refused(verdict: string, code: number, error: unknown): object {
  if (!(error instanceof Fault)) throw error;
  return { verdict, exit_code: code, headline: error.message };
}
