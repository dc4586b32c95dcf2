// Judges files with the verifier's own modules in Node: `judge.mjs (best|bundled) CASES.json` prints a report for each of
// [{file, trust}]. So that the browser's verifier can be compared with the command line without a browser.
import { build } from "esbuild";
import { openAsBlob } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [which, list] = process.argv.slice(2);
const folder = path.dirname(path.resolve(list));
const out = await mkdtemp(path.join(os.tmpdir(), "aigaq-judge-"));
try {
  const outfile = path.join(out, "compare.mjs");
  const entryPoints = [path.join(import.meta.dirname, "src/verifier/compare.ts")];
  await build({ entryPoints, outfile, bundle: true, format: "esm", target: "node20", logLevel: "warning" });
  const { compare } = await import(pathToFileURL(outfile));
  const reports = [];
  for (const { file, trust } of JSON.parse(await readFile(list, "utf8"))) {
    const policy = trust === null ? null : await readFile(path.join(folder, trust));
    reports.push(await compare(await openAsBlob(path.join(folder, file)), policy && new Uint8Array(policy), which));
  }
  console.log(JSON.stringify(reports));
} finally {
  await rm(out, { recursive: true, force: true });
}
