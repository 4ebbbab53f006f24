import { EVENT_SCHEMA } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { handlebarAs, sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
const folder = sandbox();
let eventCount = 0;

function event(runId: string, seq: number, kind: string, data: object): object {
  eventCount += 1;
  const time = Date.now().toString(16).padStart(12, "0");
  const eventId = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${eventCount.toString(16).padStart(12, "0")}`;
  return { schema: EVENT_SCHEMA, eventId, seq, ts: new Date().toISOString(), agentId: "support", runId, kind, data };
}

const decision = { verdict: "BLOCK", control: "CONTINUE", message: "this call was denied", evaluatedRules: [] };
const started = {
  agent: { slug: "support" },
  actor: { externalId: "u1" },
  enforceMode: "enforce",
  sdk: { name: "s", version: "1" },
};
const decided = {
  ...decision,
  cause: { kind: "RULE_VIOLATION", ruleId: "r", policyId: "p" },
  finalRuleId: "r",
  callId: "c",
  tool: { name: "refund" },
};

const ingest = (events: readonly object[]): Promise<unknown> =>
  plane.call("POST", "/v1/runs/events", { agentId: "support", events });

beforeAll(async () => {
  plane = await startControlPlane();
  await ingest([
    event("whole", 0, "run.started", started),
    event("whole", 1, "tool.decision", decided),
    event("whole", 2, "run.ended", { status: "success", steps: 1 }),
    event("broken", 0, "run.started", started),
    event("broken", 3, "error", { code: "HB_X", scope: "s", message: "m" }),
  ]);
});
afterAll(() => plane.stop());

const run = (...args: readonly string[]) => plane.handlebar(folder, ...args);

describe("handlebar runs", () => {
  it("lists runs, and those alone that are asked for", async () => {
    const all = await run("runs");
    expect([all.code, all.err]).toEqual([0, "2 runs\n"]);
    expect(all.out).toMatch(/whole +support +\S+ +success +1 +1 +u1/);
    expect(all.out).toMatch(/broken +support +\S+ +open +0 +0 +u1/);
    expect((await run("runs", "--gaps")).out).not.toContain("whole");
    expect((await run("runs", "--limit", "1")).err).toBe("1 run; there are more, see --limit\n");
    expect(JSON.parse((await run("runs", "--status", "success", "--json")).out)).toMatchObject([{ runId: "whole" }]);
  });

  it("shows a run with its events", async () => {
    const shown = await run("runs", "whole");
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^whole of support: success\n/);
    expect(shown.out).toMatch(/decisions +1, 1 of them blocked/);
    expect(shown.out).toMatch(/#1 BLOCK refund RULE_VIOLATION r: this call was denied\n/);
    const lines = (await run("runs", "whole", "--json")).out.trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { readonly seq: number }).seq)).toEqual([0, 1, 2]);
  });

  it("says which events of a run are missing", async () => {
    const shown = await run("runs", "broken");
    expect([shown.code, shown.err]).toEqual([1, "missing without an explanation: events 1 to 2\n"]);
  });

  it("hands on the control plane's refusal", async () => {
    const shown = await run("runs", "none");
    expect([shown.code, shown.err]).toEqual([2, expect.stringContaining("HB_NOT_FOUND: there is no run `none`")]);
    const wrong = await run("runs", "--status", "done");
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("status")]);
  });
});

describe("handlebar tail", () => {
  it("prints what is stored while it runs, and ends after as many as were asked for", async () => {
    let isEnded = false;
    const tailing = run("tail", "--verdict", "BLOCK", "--count", "2", "--json").finally(() => {
      isEnded = true;
    });
    const problem = { code: "c", scope: "s", message: "m" };
    const more = async (): Promise<boolean> => {
      await ingest([event("tailed", eventCount, "tool.decision", decided), event("tailed", 0, "error", problem)]);
      return isEnded;
    };
    await expect.poll(more, { timeout: 10_000 }).toBe(true);
    const { code, out } = await tailing;
    const kinds = out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly kind: string }).kind);
    expect([code, kinds]).toEqual([0, ["tool.decision", "tool.decision"]]);
  });

  it("does not go on where the control plane refuses it", async () => {
    const wrong = await run("tail", "--kind", "no.such");
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("kind")]);
    const env = { HANDLEBAR_API_ENDPOINT: plane.origin, HANDLEBAR_API_KEY: "hb_wrong" };
    const refused = await handlebarAs({ cwd: folder, env }, "tail");
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("HB_API_AUTH")]);
    expect((await run("tail", "--count", "x")).err).toContain("--count");
  });
});
