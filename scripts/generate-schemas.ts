/**
 * Writes the files that are made from the protocol: JSON Schemas, the error table and its page.
 *
 *   npx tsx --conditions=@handlebar/source scripts/generate-schemas.ts [--check]
 *
 * `--check` writes nothing and exits with 1 when a file is not what it would be.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generatedFiles } from "./lib/generated-files.ts";

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");
let staleCount = 0;

for (const [path, text] of generatedFiles()) {
  const file = join(root, path);
  if (currentText(file) === text) continue;
  staleCount++;
  if (check) {
    console.error(`${path} is not what the protocol says; run scripts/generate-schemas.ts`);
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${path}`);
  }
}

if (check && staleCount > 0) process.exitCode = 1;

function currentText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
