/** Removes what builds, tests and reports write. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { REPO_ROOT } from "./lib/repo-root.ts";
import { packageWorkspaces } from "./lib/workspaces.ts";

const built = packageWorkspaces().map(({ folder }) => join(folder, "dist"));
for (const folder of [...built, "reports", "coverage", ".docs-check"]) {
  rmSync(join(REPO_ROOT, folder), { recursive: true, force: true });
}
