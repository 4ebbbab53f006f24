import type { Decision } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { withRun } from "../als.ts";
import { openRecorded } from "../client.test-support.ts";
import { joinOrStartRun, resumeRun } from "./join-run.ts";
import { PolicyDenied } from "./policy-denied.ts";

const BLOCK: Decision = {
  verdict: "BLOCK",
  control: "CONTINUE",
  cause: { kind: "RUN_ENDED" },
  message: "no",
  evaluatedRules: [],
};

describe("joinOrStartRun", () => {
  const open = () => openRecorded({ agent: { slug: "a" }, enforceMode: "off" });

  it("joins the current run of the same client and starts one where there is none", () => {
    const { hb } = open();
    const first = joinOrStartRun(hb, { tags: { a: "b" } });
    expect([first.owned, first.run.tags]).toEqual([true, { a: "b" }]);
    withRun(first.run, () => expect(joinOrStartRun(hb)).toEqual({ run: first.run, owned: false }));
  });

  it("starts one beside an ended run and beside another client's", async () => {
    const { hb } = open();
    const other = open().hb.startRun();
    withRun(other, () => expect(joinOrStartRun(hb).owned).toBe(true));
    const ended = hb.startRun();
    await ended.end();
    withRun(ended, () => expect(joinOrStartRun(hb).owned).toBe(true));
  });
});

describe("resumeRun", () => {
  const open = () => openRecorded({ agent: { slug: "a" }, enforceMode: "off" });
  const ada = { actor: { externalId: "ada" }, sessionId: "s" };

  it("gives the paused run of the same actor and session", () => {
    const { hb } = open();
    const run = hb.startRun(ada);
    run.pause();
    expect(resumeRun(hb, run.runId, ada)).toEqual({ run, owned: true });
  });

  it("starts another run for another actor, another session, a run that is not paused or not known", () => {
    const { hb } = open();
    const run = hb.startRun(ada);
    run.pause();
    const others = [{ ...ada, actor: { externalId: "eve" } }, { actor: ada.actor }, {}];
    for (const config of others) expect(resumeRun(hb, run.runId, config).run).not.toBe(run);
    const going = hb.startRun(ada);
    expect(resumeRun(hb, going.runId, ada).run).not.toBe(going);
    expect(resumeRun(hb, "unknown", ada).run.runId).not.toBe("unknown");
  });
});

describe("PolicyDenied", () => {
  it("carries the decision and is found through causes and across copies", () => {
    const denied = new PolicyDenied(BLOCK);
    expect([denied.name, denied.message, denied.decision]).toEqual(["PolicyDenied", "no", BLOCK]);
    expect(PolicyDenied.is(denied)).toBe(true);
    expect(JSON.stringify(denied)).toBe('{"name":"PolicyDenied","message":"no"}');
    expect(PolicyDenied.find(new Error("a", { cause: new Error("b", { cause: denied }) }))).toBe(denied);
    const circular = new Error("c");
    circular.cause = circular;
    expect([PolicyDenied.find(circular), PolicyDenied.find("text"), PolicyDenied.is(null)]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    const copied = { decision: BLOCK, [Symbol.for("handlebar.policy-denied.v1")]: true };
    expect(PolicyDenied.is(copied)).toBe(true);
  });
});

describe("a run, as adapters ask it", () => {
  it("tells whether policy may change what a model is sent or answers", () => {
    const rule = { name: "r", on: "llm.after" as const, effect: { type: "block" as const } };
    const asked = (config: object) => {
      const { hb } = openRecorded({ agent: { slug: "a" }, policies: [{ name: "p", rules: [rule] }], ...config });
      const run = hb.startRun();
      return [run.canChange("llm.before"), run.canChange("llm.after")];
    };
    expect(asked({})).toEqual([false, true]);
    expect(asked({ enforceMode: "shadow" })).toEqual([false, false]);
  });

  it("stops a call that was let through when its run was ended before it starts", async () => {
    const { hb, events } = openRecorded({ agent: { slug: "a" }, policies: [{ name: "p", rules: [] }] });
    const run = hb.startRun();
    const before = await run.beforeTool({ name: "t", args: {} });
    expect(run.notStarted(before)).toBeUndefined();
    void run.end();
    expect(run.notStarted(before)).toMatchObject({ verdict: "BLOCK", cause: { kind: "RUN_ENDED" } });
    expect(events.at(-1)).toMatchObject({
      kind: "tool.result",
      data: { outcome: "error", error: { name: "NotStarted" } },
    });
  });
});
