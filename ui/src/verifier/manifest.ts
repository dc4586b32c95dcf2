// `clip.json`: it says what was asked for; it proves nothing.

import { type Bytes, fromUtf8 } from "./bytes";
import { type Json, parseJson } from "./json";
import { isId, isStream, MAX_MS } from "./rules";
import { fault } from "./said";

const FORMAT = 2n;
export const MANIFEST = "clip.json";
export const README = "README.txt";
export const MAX_MANIFEST = 8 << 20;
const FIELDS = ["camera", "election", "files", "format", "from_ms", "log", "origin", "station", "stream", "to_ms"];

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
  const found = parseJson(fromUtf8(data) ?? "", () => fault("{name} is not JSON, or has a field twice", { name: MANIFEST }));
  if (!isObject(found) || found["format"] !== FORMAT || Object.keys(found).sort().join() !== FIELDS.join()) {
    throw fault("{name} is not of format {format}, the only one that this version reads", { name: MANIFEST, format: FORMAT });
  }
  return checked(found);
}

function checked({ election, station, camera, stream, from_ms, to_ms, origin, log, files }: Readonly<Record<string, Json>>): Manifest {
  const span = isTime(from_ms) && isTime(to_ms) && from_ms < to_ms ? { from: Number(from_ms), to: Number(to_ms) } : null;
  const ids = isId(election) && isId(station) && isId(camera) && isStream(stream);
  if (!ids || !span || typeof origin !== "string" || typeof log !== "string" || !isNames(files)) {
    throw fault("{name} has a field that is not of its kind, or no interval", { name: MANIFEST });
  }
  return { election, station, camera, stream, ...span, origin, log, files };
}

function isTime(value: Json | undefined): value is bigint {
  return typeof value === "bigint" && value >= 0n && value <= MAX_MS;
}

function isNames(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
