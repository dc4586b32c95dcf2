// `clip.json`: it says what was asked for; it proves nothing.

import { type Bytes, fromUtf8 } from "./bytes";
import { type Json, parseJson } from "./json";
import { isId, isStream, MAX_MS } from "./rules";
import { fault } from "./said";

const FORMAT = 2n;
export const MANIFEST = "clip.json";
export const README = "README.txt";
export const MAX_MANIFEST = 8 << 20;
const FIELDS = ["camera", "election", "files", "from_ms", "log", "origin", "station", "stream", "to_ms"];

/** What a clip is of: one stream, from `from` (included) to `to` (excluded), UTC milliseconds. */
export interface Manifest {
  readonly election: string;
  readonly station: string;
  readonly camera: string;
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  /** Name of the station's log, and of the national log. */
  readonly origin: string;
  readonly log: string;
  /** Every other file of the clip. */
  readonly files: readonly string[];
}

export function parseManifest(data: Bytes): Manifest {
  const bad = (words: string) => () => fault(words, { name: MANIFEST });
  const text = fromUtf8(data);
  if (text === null) throw bad("{name} is not JSON")();
  const found = parseJson(text, bad("{name} is not JSON"), bad("{name} has a field twice"));
  if (!isObject(found) || found["format"] !== FORMAT) {
    throw fault("{name} is not of format {format}, the only one that this version reads", { name: MANIFEST, format: FORMAT });
  }
  const { format: _, ...fields } = found;
  if (Object.keys(fields).sort().join() !== FIELDS.join()) {
    throw fault("{name} has other fields than format {format}", { name: MANIFEST, format: FORMAT });
  }
  return checked(fields);
}

function checked({ election, station, camera, stream, from_ms, to_ms, origin, log, files }: Readonly<Record<string, Json>>): Manifest {
  if (!isId(election) || !isId(station) || !isId(camera) || !isStream(stream)) {
    throw fault("election, station, camera or stream is not an identifier");
  }
  if (typeof from_ms !== "bigint" || typeof to_ms !== "bigint" || from_ms < 0n || from_ms >= to_ms || to_ms > MAX_MS) {
    throw fault("from_ms and to_ms are not an interval");
  }
  if (typeof origin !== "string" || typeof log !== "string" || !Array.isArray(files)) {
    throw fault("origin or log is not text, or files is not a list");
  }
  if (!files.every((name) => typeof name === "string")) throw fault("files is not a list of names");
  return { election, station, camera, stream, from: Number(from_ms), to: Number(to_ms), origin, log, files: files as string[] };
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
