/**
 * Writes the contract table of `docs/concepts/integration-map.md` from the results that the adapters' contract tests checked in:
 *
 *   npm run integration-map
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAP, withContractTable } from "./lib/contract-table.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";

const file = join(REPO_ROOT, MAP);
const current = readFileSync(file, "utf8");
const fresh = withContractTable(current);
if (fresh !== current) writeFileSync(file, fresh);
console.log(fresh === current ? `${MAP} is what the results say` : `wrote ${MAP}`);
