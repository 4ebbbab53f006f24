import { type AuditEntry, auditEntrySchema } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { detailText } from "./audit-screen.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { POLICY, sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
const folder = sandbox({ "refunds.yaml": POLICY, "shadowed.yaml": `mode: shadow\n${POLICY}` });

const run = (...args: readonly string[]) => plane.handlebar(folder, ...args);

async function entries(...args: readonly string[]): Promise<readonly AuditEntry[]> {
  const { code, out } = await run("audit", "--json", ...args);
  expect(code).toBe(0);
  return z.array(auditEntrySchema).parse(JSON.parse(out));
}

beforeAll(async () => {
  plane = await startControlPlane();
  await run("policies", "push", "shadowed.yaml", "--comment", "first in shadow");
  await run("policies", "push", "refunds.yaml", "--comment", "seen enough");
  await run("lockdown", "create", "--agent", "support", "--reason", "odd\u001b[31m calls");
});
afterAll(() => plane.stop());

describe("handlebar audit", () => {
  it("lists who did what, newest first", async () => {
    const { code, out, err } = await run("audit");
    const keyId = plane.adminKey.split("_")[1] ?? "";
    expect([code, err]).toEqual([0, "5 entries\n"]);
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/));
    expect(lines[0]).toEqual(["time", "by", "action", "object", "what"]);
    expect(lines.slice(1).map(([, by, action]) => [by, action])).toEqual([
      [keyId, "lockdown.created"],
      [keyId, "policy.updated"],
      [keyId, "policy.created"],
      [keyId, "key.created"],
      ["-", "key.created"],
    ]);
    expect(lines[2]?.slice(3)).toEqual(["refunds", 'version 1 -> 2, mode shadow -> enforce, comment "seen enough"']);
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain(plane.agentKey);
  });

  it("lists those alone that are asked for", async () => {
    const actions = async (...args: readonly string[]) => (await entries(...args)).map(({ action }) => action);
    expect(await actions("--kind", "policy")).toEqual(["policy.updated", "policy.created"]);
    expect(await actions("--action", "key.created")).toEqual(["key.created", "key.created"]);
    expect(await actions("--object", "refunds", "--limit", "1")).toEqual(["policy.updated"]);
    expect(await actions("--key", plane.adminKey.split("_")[1] ?? "", "--since", "1h")).toHaveLength(4);
    expect(await actions("--until", "1h")).toEqual([]);
    expect(await actions("--person", "nobody")).toEqual([]);
    expect((await run("audit", "--limit", "2")).err).toBe("2 entries; there are more, see --limit\n");
  });

  it.each([
    [["--kind", "policy", "--action", "policy.created"], "give `--kind` or `--action`, not both"],
    [["--kind", "Policy."], "`--kind` is one word"],
    [["--limit", "0"], "`--limit` must be a whole number from 1 to 100000"],
    [["--since", "yesterday"], "`--since yesterday` is no time"],
    [["refunds"], "`handlebar audit` takes options alone"],
  ])("%j: says what is wrong", async (args, message) => {
    const { code, err } = await run("audit", ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it("says what changed in a few words", () => {
    expect(
      detailText({
        version: { to: 1 },
        rules: { added: 2, changed: 0 },
        types: ["a", "b"],
        isSo: true,
        why: "a\u009bb",
      }),
    ).toBe('version 1, rules added 2 changed 0, types a b, isSo true, why "a\u{fffd}b"');
    expect(detailText({ comment: "x".repeat(500) })).toHaveLength(163);
  });
});
