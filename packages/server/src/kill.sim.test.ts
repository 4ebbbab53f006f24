import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type KillRound, killRounds } from "./kill-rounds.test-support.ts";
import { openTestDatabase } from "./storage/postgres-database.test-support.ts";

/** `scripts/kill-rounds.ts` does as many as one likes. */
const ROUND_COUNT = 4;

function verify(rounds: readonly KillRound[]): void {
  expect(rounds.map(({ lost, doubled, gaps }) => ({ lost, doubled, gaps }))).toEqual(
    Array.from({ length: ROUND_COUNT }, () => ({ lost: 0, doubled: 0, gaps: 0 })),
  );
  expect(rounds.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(0);
}

describe("a server that is killed while it takes events in", () => {
  it("has every acknowledged event once, on SQLite", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "handlebar-kill-"));
    try {
      verify(await killRounds({ rounds: ROUND_COUNT, env: {}, cwd }));
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  });

  it("has every acknowledged event once, on PostgreSQL, and another process there goes on", async () => {
    const database = await openTestDatabase();
    const cwd = mkdtempSync(join(tmpdir(), "handlebar-kill-"));
    try {
      verify(await killRounds({ rounds: ROUND_COUNT, env: { DATABASE_URL: database.url }, cwd, hasNeighbour: true }));
    } finally {
      rmSync(cwd, { recursive: true, force: true });
      await database.drop();
    }
  });
});
