/**
 * Writes the tables of the documents that come from results which tests checked in: the adapters' contract in
 * `docs/concepts/integration-map.md` and the attacks on approvals in `docs/concepts/approvals.md`:
 *
 *   npm run integration-map
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { APPROVALS_PAGE, withAttackTable } from "./lib/attack-table.ts";
import { MAP, withContractTable } from "./lib/contract-table.ts";
import { REPO_ROOT } from "./lib/repo-root.ts";

const PAGES = [
  { page: MAP, fill: withContractTable },
  { page: APPROVALS_PAGE, fill: withAttackTable },
] as const;

for (const { page, fill } of PAGES) {
  const file = join(REPO_ROOT, page);
  const current = readFileSync(file, "utf8");
  const fresh = fill(current);
  if (fresh !== current) writeFileSync(file, fresh);
  console.log(fresh === current ? `${page} is what the results say` : `wrote ${page}`);
}
