import { Handlebar } from "@handlebar/core";
import { replayAnswerSchema } from "@handlebar/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { handlebarAs, POLICY, sandbox } from "./sandbox.fixture.ts";

let plane: TestControlPlane;
const folder = sandbox({ "p.yaml": POLICY, "hold.yaml": POLICY.replace("type: block", "type: hitl") });

beforeAll(async () => {
  plane = await startControlPlane();
  const hb = Handlebar.init({ agent: { slug: "support" }, endpoint: plane.origin, apiKey: plane.agentKey });
  for (const actor of ["ana", "ben"]) {
    const run = hb.startRun({ actor: { externalId: actor }, sessionId: `of ${actor}` });
    for (const amount of [100, 900]) await run.tool({ name: "refund", args: { amount } }, async () => "ok");
    await run.end("success");
  }
  await hb.shutdown();
});
afterAll(() => plane.stop());

const replay = (...args: readonly string[]) => plane.handlebar(folder, "replay", ...args);

describe("handlebar replay --server", () => {
  it("says what a policy would have done to what a control plane recorded", async () => {
    const { code, out, err } = await replay("--server", "--since", "1h", "--policies", "p.yaml");
    expect([code, out]).toEqual([
      0,
      expect.stringContaining(
        "2 runs, 4 tool calls, 0 model calls: 2 allowed, 0 held, 2 blocked, 0 ending their run\n",
      ),
    ]);
    expect(out).toMatch(/refunds\/large +4 +2 +0 +0 +0\n/);
    expect(err).toMatch(/^\d+ events from \S+ to \S+\n$/m);
  });

  it("goes by the policies in force where no file is named, and by files alone with --alone", async () => {
    const reportOf = async (...args: readonly string[]) => {
      const { code, out } = await replay("--server", plane.origin, "--since", "1h", "--json", ...args);
      expect(code).toBe(0);
      return replayAnswerSchema.parse(JSON.parse(out)).report;
    };
    const pushed = await plane.handlebar(folder, "policies", "push", "hold.yaml");
    expect(pushed.code).toBe(0);
    expect((await reportOf()).answers).toMatchObject({ allowed: 2, held: 2, blocked: 0 });
    const other = sandbox({ "other.yaml": "name: other\nrules: []\n" });
    const path = `${other}/other.yaml`;
    expect((await reportOf("--policies", path)).answers.held).toBe(2);
    expect((await reportOf("--policies", path, "--alone")).answers.held).toBe(0);
    expect((await reportOf("--actor", "ana")).calls).toBe(2);
    expect((await reportOf("--session", "of ben", "--agent", "support")).calls).toBe(2);
    expect((await reportOf("--agent", "other", "--lead-in", "1h")).calls).toBe(0);
  });

  it("shows a person how far it is, and ends when it is interrupted", async () => {
    const env = { HANDLEBAR_API_ENDPOINT: plane.origin, HANDLEBAR_API_KEY: plane.adminKey };
    const args = ["replay", "--server", "--since", "1h", "--policies", "p.yaml"];
    const watched = await handlebarAs({ cwd: folder, env, isTty: true }, ...args);
    expect(watched.err).toContain(`\r[${"#".repeat(40)}] 100 %\r`);
    const interrupted = AbortSignal.abort();
    const stopped = await handlebarAs({ cwd: folder, env, interrupted }, ...args);
    expect([stopped.code, stopped.out, stopped.err]).toEqual([2, "", "cancelled\n"]);
  });

  it("says what it takes, and what the control plane refused", async () => {
    expect((await replay("--server")).err).toContain("say since when with --since, such as `--since 7d`");
    expect((await replay("--since", "1h", "--policies", "p.yaml", "t.jsonl")).err).toContain(
      "`--since` is for a control plane; add --server",
    );
    expect((await replay("--server", "--since", "1h", "t.jsonl")).err).toContain(
      "name either files of traffic or --server, not both",
    );
    expect((await replay("--server", "--since", "soon")).err).toContain("`--since soon` is no time");
    const refused = await replay("--server", "--since", "1h", "--until", "2h");
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("`since` must be before `until`")]);
  });
});
