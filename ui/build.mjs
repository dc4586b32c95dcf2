// Bundles the pages' scripts, styles and fonts into files named by their content, compresses them beforehand, and
// writes a manifest that tells the server their names. The folder appears whole or not at all.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { licencesOf, verifierPage } from "./verifier.mjs";

const here = import.meta.dirname;
const target = path.resolve(here, "../src/aigaq/web/static");
const fresh = `${target}.new`;
const COMPRESSIBLE = new Set([".js", ".css", ".html", ".svg", ".txt"]);

async function bundle() {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: {
      main: "src/main.ts",
      station: "src/station-page.ts",
      recount: "src/recount.ts",
      "style-editor": "src/style-editor.ts",
      style: "src/style.css",
    },
    outdir: fresh,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: ["es2022", "chrome109", "firefox115", "safari16"],
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file" },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const entries = Object.entries(metafile.outputs).filter(([, output]) => output.entryPoint);
  return Object.fromEntries(entries.map(([file]) => [logicalName(file), path.basename(file)]));
}

function logicalName(file) {
  return path.basename(file).replace(/-[A-Z0-9]{8}(?=\.)/, "");
}

async function copyImages() {
  const folder = path.join(here, "src/images");
  const names = {};
  for (const name of await readdir(folder)) {
    const hash = createHash("sha256").update(await readFile(path.join(folder, name))).digest("hex").slice(0, 8);
    const { name: stem, ext } = path.parse(name);
    names[name] = `${stem}-${hash.toUpperCase()}${ext}`;
    await copyFile(path.join(folder, name), path.join(fresh, names[name]));
  }
  return names;
}

async function buildVerifier() {
  const { page, packages } = await verifierPage();
  await writeFile(path.join(fresh, "verifier.html"), page);
  return packages;
}

async function collectLicences(packages) {
  const texts = await licencesOf(["hls.js", "htmx.org", "@fontsource-variable/golos-text", ...packages]);
  await writeFile(path.join(fresh, "licences.txt"), texts);
  return { "licences.txt": "licences.txt", "verifier.html": "verifier.html" };
}

async function compress(name) {
  const bytes = await readFile(path.join(fresh, name));
  const [gzip, brotli] = await Promise.all([
    promisify(zlib.gzip)(bytes, { level: 9 }),
    promisify(zlib.brotliCompress)(bytes),
  ]);
  await Promise.all([
    writeFile(path.join(fresh, `${name}.gz`), gzip),
    writeFile(path.join(fresh, `${name}.br`), brotli),
  ]);
}

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });
const manifest = { ...(await bundle()), ...(await copyImages()), ...(await collectLicences(await buildVerifier())) };
const names = await readdir(fresh);
await Promise.all(names.filter((name) => COMPRESSIBLE.has(path.extname(name))).map(compress));
await writeFile(path.join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
await rm(target, { recursive: true, force: true });
await rename(fresh, target);
console.log(`built ${names.length} files: ${Object.values(manifest).join(", ")}`);
