// The verifier's own modules outside its page, so that they can be compared with the command line and measured:
// `judge.mjs best|bundled CASES.json` prints a report for each of [{file, trust}]; `judge.mjs bundle OUT.js` writes a
// script that gives a browser `aigaqVerifier.compare`.
import { build } from "esbuild";
import { openAsBlob } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const bundle = (outfile, options) =>
  build({ absWorkingDir: import.meta.dirname, entryPoints: ["src/verifier/compare.ts"], outfile, bundle: true, logLevel: "warning", ...options });

async function judge(which, list) {
  const [folder, out] = [path.dirname(path.resolve(list)), await mkdtemp(path.join(os.tmpdir(), "aigaq-judge-"))];
  try {
    await bundle(path.join(out, "compare.mjs"), { format: "esm", target: "node20" });
    const { compare } = await import(pathToFileURL(path.join(out, "compare.mjs")));
    const reports = [];
    for (const { file, trust } of JSON.parse(await readFile(list, "utf8"))) {
      const policy = trust === null ? null : new Uint8Array(await readFile(path.join(folder, trust)));
      reports.push(await compare(await openAsBlob(path.join(folder, file)), policy, which));
    }
    console.log(JSON.stringify(reports));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

const [command, file] = process.argv.slice(2);
if (command === "bundle") await bundle(path.resolve(file), { format: "iife", globalName: "aigaqVerifier", target: "chrome109" });
else await judge(command, file);
