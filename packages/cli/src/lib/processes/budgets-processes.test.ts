import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { budgetRound } from "./budget-round.fixture.ts";
import type { ProcessBudget } from "./process-budgets.fixture.ts";

/** `npm run bench -- budgets` does longer ones. */
const BUDGETS: readonly ProcessBudget[] = [
  { name: "send", of: "calls", limit: 400, estimate: 1 },
  { name: "pay", of: "tool", limit: 60, estimate: 0.3 },
];

/** Processes start slowly where much else runs. */
const TIMEOUT_MS = 180_000;

describe("budgets shared by real processes through a real server", () => {
  const folder = mkdtempSync(join(tmpdir(), "hb-budgets-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(
    "are never overshot, though clients and the server are killed and answers are lost",
    async ({ annotate }) => {
      const { budgets } = await budgetRound({
        seed: "budgets of processes",
        folder,
        budgets: BUDGETS,
        clientCount: 4,
        mishaps: ["a client is killed", "the server is killed", "a client leaves"],
        faultShare: 0.06,
      });
      await annotate(JSON.stringify(budgets));
      for (const { budget, overshoot, used, counted } of budgets) {
        expect([budget.name, overshoot]).toEqual([budget.name, 0]);
        // What the control plane does not know of it counts as used, not as free.
        expect(counted).toBeGreaterThanOrEqual(used - 1e-6);
        expect(used / budget.limit).toBeGreaterThanOrEqual(0.9);
      }
    },
    TIMEOUT_MS,
  );
});
