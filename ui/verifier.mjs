// Builds the offline verifier: one HTML file with its script, style and picture inside, closed to any network by its own
// Content-Security-Policy, which names script and style by their hashes (W3C CSP Level 3 §2.3.1).
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";

const here = import.meta.dirname;
const MOST = 200_000;
const TARGET = ["es2022", "chrome109", "firefox115", "safari16"];

/** The page, and the names of the packages that are in it. */
export async function verifierPage() {
  const [script, style, template, mark] = await Promise.all([
    bundle("src/verifier/page.ts", { format: "iife" }),
    bundle("src/verifier/page.css", {}),
    readFile(path.join(here, "src/verifier/page.html"), "utf8"),
    readFile(path.join(here, "src/images/mark.svg")),
  ]);
  const licences = await licencesOf(script.packages);
  const parts = {
    script: script.text,
    style: style.text,
    licences: licences.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
    mark: `data:image/svg+xml;base64,${mark.toString("base64")}`,
    policy: policyFor(script.text, style.text),
  };
  const page = template.replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
  if (Buffer.byteLength(page) > MOST) throw new Error(`verifier.html has ${Buffer.byteLength(page)} bytes, more than ${MOST}`);
  return { page, packages: script.packages };
}

/** The texts of licences, one under another; what several packages say alike is said once. */
export async function licencesOf(packages) {
  const holders = new Map();
  for (const name of packages) {
    const folder = path.join(here, "node_modules", name);
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = (await readFile(path.join(folder, file), "utf8")).trim();
    const copyright = /^Copyright .*$/m.exec(text)?.[0] ?? "";
    const terms = text.replace(copyright, "").replace(/\n{3,}/g, "\n\n");
    holders.set(terms, [...(holders.get(terms) ?? []), `${name}\n${copyright}`.trim()]);
  }
  return [...holders].map(([terms, names]) => `${names.join("\n\n")}\n\n${terms}\n`).join(`\n${"=".repeat(60)}\n\n`);
}

function policyFor(script, style) {
  const only = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return `default-src 'none'; script-src ${only(script)}; style-src ${only(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
}

async function bundle(entry, options) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    charset: "utf8",
    target: TARGET,
    legalComments: "none",
    write: false,
    metafile: true,
    logLevel: "warning",
    ...options,
  });
  const text = outputFiles[0].text.trim();
  // A closing tag inside would end the element early.
  if (/<\/(script|style)/i.test(text)) throw new Error(`${entry} holds a closing tag`);
  const inside = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const packages = inside.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
  return { text, packages: [...new Set(packages)].sort() };
}
