// Who computes: the browser's own cryptography where it proves able, else the bundled one. Both give the same answers.
//
// A part of WebCrypto is used only after it has accepted a true signature and refused a false one, in this very browser.

import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { type Bytes, equal, fromBase64, littleEndian, utf8 } from "./bytes";
import { isPublicKey, isSound, verifyPlainly } from "./ed25519";
import { EXAMPLES, MESSAGE } from "./engine-examples";

export type Kind = "Ed25519" | "P-256" | "ML-DSA-44";
type Check = (key: Bytes, message: Bytes, signature: Bytes) => boolean | Promise<boolean>;

const KINDS: readonly Kind[] = ["Ed25519", "P-256", "ML-DSA-44"];
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SIZES: Readonly<Record<Kind, readonly [key: number, signature: number]>> = {
  "Ed25519": [32, 64],
  "P-256": [65, 64],
  "ML-DSA-44": [1312, 2420],
};

export class Engine {
  readonly #checks: Record<Kind, Check>;
  readonly #digest: (data: Bytes) => Promise<Bytes>;
  /** What the browser itself computes. */
  readonly native: readonly string[];

  private constructor(checks: Partial<Record<Kind, Check>>, digest: ((data: Bytes) => Promise<Bytes>) | null) {
    this.#checks = { ...BUNDLED, ...checks };
    this.#digest = digest ?? (async (data) => sha256(data) as Bytes);
    this.native = [...(digest ? ["SHA-256"] : []), ...Object.keys(checks)];
  }

  /** Only what is bundled: for browsers without WebCrypto, and to compare. */
  static bundled(): Engine {
    return new Engine({}, null);
  }

  /** The browser's own, part by part, where it answers rightly. */
  static async best(): Promise<Engine> {
    const subtle = globalThis.crypto?.subtle;
    if (!subtle) return Engine.bundled();
    const native = webCrypto(subtle);
    const able: Partial<Record<Kind, Check>> = {};
    for (const kind of KINDS) if (await answersRightly(native[kind], exampleOf(kind))) able[kind] = native[kind];
    const digest = async (data: Bytes): Promise<Bytes> => new Uint8Array(await subtle.digest("SHA-256", data));
    const probe = utf8("Aigaq");
    const hashes = await digest(probe).then((found) => equal(found, sha256(probe)), () => false);
    return new Engine(able, hashes ? digest : null);
  }

  sha256(data: Bytes): Promise<Bytes> {
    return this.#digest(data);
  }

  /** Whether the holder of the key signed the message; every doubtful form is a no. */
  async verify(kind: Kind, key: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
    const [keySize, signatureSize] = SIZES[kind];
    if (key.length !== keySize || signature.length !== signatureSize || !MAY_ASK[kind](key, signature)) return false;
    try {
      return await this.#checks[kind](key, message, signature);
    } catch {
      return BUNDLED[kind](key, message, signature); // WebCrypto would not take this key
    }
  }
}

export function isSoundKey(kind: Kind, key: Bytes): boolean {
  if (key.length !== SIZES[kind][0]) return false;
  if (kind === "Ed25519") return isPublicKey(key);
  return kind === "ML-DSA-44" || isCurvePoint(key);
}

const MAY_ASK: Readonly<Record<Kind, (key: Bytes, signature: Bytes) => boolean>> = {
  "Ed25519": isSound,
  "P-256": (key, signature) => isLow(signature) && isCurvePoint(key),
  "ML-DSA-44": () => true,
};

/** Both halves from 1, and s in the lower half: of a signature and its mirror image only one is good. */
function isLow(signature: Bytes): boolean {
  const [r, s] = [signature.slice(0, 32).reverse(), signature.slice(32).reverse()].map(littleEndian) as [bigint, bigint];
  return r > 0n && r < P256_ORDER && s > 0n && s <= P256_ORDER / 2n;
}

function isCurvePoint(key: Bytes): boolean {
  try {
    p256.Point.fromBytes(key);
    return key[0] === 4;
  } catch {
    return false;
  }
}

const BUNDLED: Readonly<Record<Kind, Check>> = {
  "Ed25519": verifyPlainly,
  "P-256": (key, message, signature) => p256.verify(signature, message, key),
  "ML-DSA-44": (key, message, signature) => ml_dsa44.verify(signature, message, key),
};

function webCrypto(subtle: SubtleCrypto): Record<Kind, Check> {
  const keys = new WeakMap<Bytes, Promise<CryptoKey>>();
  const check = (format: string, key: AlgorithmIdentifier | EcKeyImportParams, use: AlgorithmIdentifier | EcdsaParams): Check =>
    async (bytes, message, signature) => {
      const known = keys.get(bytes) ?? subtle.importKey(format as "raw", bytes, key, false, ["verify"]);
      keys.set(bytes, known);
      return subtle.verify(use, await known, signature, message);
    };
  return {
    "Ed25519": check("raw", "Ed25519", "Ed25519"),
    "P-256": check("raw", { name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }),
    "ML-DSA-44": check("raw-public", "ML-DSA-44", "ML-DSA-44"),
  };
}

interface Example {
  readonly key: Bytes;
  readonly signature: Bytes;
}

/** A signature of ML-DSA-44 is too long to be written down; it is made here. */
function exampleOf(kind: Kind): Example {
  if (kind !== "ML-DSA-44") return { key: fromBase64(EXAMPLES[kind].key), signature: fromBase64(EXAMPLES[kind].signature) };
  const { publicKey, secretKey } = ml_dsa44.keygen(sha256(utf8(MESSAGE)));
  const signature = ml_dsa44.sign(utf8(MESSAGE), secretKey, { extraEntropy: false });
  return { key: publicKey as Bytes, signature: signature as Bytes };
}

async function answersRightly(check: Check, { key, signature }: Example): Promise<boolean> {
  try {
    return (await check(key, utf8(MESSAGE), signature)) && !(await check(key, utf8(`${MESSAGE}.`), signature));
  } catch {
    return false; // not known in this browser
  }
}
