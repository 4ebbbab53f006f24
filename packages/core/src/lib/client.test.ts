import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { openRecorded } from "./client.test-support.ts";
import { Handlebar } from "./client.ts";
import type { HandlebarConfig } from "./config.ts";

const refunds: Policy = {
  name: "refunds",
  rules: [
    {
      name: "no large refunds",
      on: "tool.before",
      tool: { name: "refund" },
      when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 },
      effect: { type: "block", reason: "refunds above 500 need a person" },
    },
    {
      name: "no cards out",
      on: "tool.after",
      effect: { type: "redact", redact: [{ detectors: ["payment_card"] }] },
    },
  ],
};

function setUp(config: Partial<HandlebarConfig> = {}) {
  return openRecorded({ agent: { slug: "support" }, policies: [refunds], ...config });
}

describe("a governed loop without a control plane", () => {
  it("lets a call through, blocks one, redacts a result, and records all of it without a gap", async () => {
    const { hb, events } = setUp();
    const run = hb.startRun({ actor: { externalId: "u_42" } });

    const small = await run.tool({ name: "refund", args: { amount: 80 } }, () => "card 4111 1111 1111 1111 refunded");
    const large = await run.tool({ name: "refund", args: { amount: 900 } }, () => expect.fail("must not run"));
    await run.end();

    expect(small).toMatchObject({ status: "done", result: "card [redacted:payment_card] refunded" });
    expect(large).toMatchObject({
      status: "blocked",
      decision: {
        verdict: "BLOCK",
        control: "CONTINUE",
        cause: { kind: "RULE_VIOLATION", ruleId: "refunds/no-large-refunds", policyId: "refunds" },
      },
    });
    expect(events.map((event) => [event.seq, event.kind])).toEqual([
      [0, "run.started"],
      [1, "tool.decision"],
      [2, "tool.result"],
      [3, "tool.decision"],
      [4, "run.ended"],
    ]);
  });

  it("[SPEC 7.2] answers BLOCK and TERMINATE after the end, whose first status stands", async () => {
    const { hb, events } = setUp();
    const run = hb.startRun();
    await run.end("error");
    await run.end("success");
    expect(events.filter((event) => event.kind === "run.ended").map((event) => event.data)).toMatchObject([
      { status: "error" },
    ]);
    const late = await run.beforeTool({ name: "read", args: {} });
    expect(late).toMatchObject({ verdict: "BLOCK", control: "TERMINATE", cause: { kind: "RUN_ENDED" } });
  });

  it("holds a call, asks the local handler once, and lets exactly that call through", async () => {
    const held: Policy = {
      name: "held",
      rules: [
        { name: "ask", on: "tool.before", tool: { name: "wire" }, effect: { type: "hitl", reason: "money leaves" } },
      ],
    };
    const asked: unknown[] = [];
    const { hb } = setUp({
      policies: [held],
      approvalWaitMs: 60_000,
      onApproval: (request) => {
        asked.push(request.args);
        return { status: "approved", by: "ada" };
      },
    });
    const run = hb.startRun();
    const first = await run.beforeTool({ name: "wire", args: { to: "A", amount: 5 } });
    expect(first).toMatchObject({ verdict: "ALLOW", cause: { kind: "HITL_APPROVED", by: "ada" } });
    expect(asked).toEqual([{ to: "A", amount: 5 }]);
    await run.beforeTool({ name: "wire", args: { amount: 5, to: "A" } });
    expect(asked.length).toBe(2);
  });

  it("names every wrong field of a configuration", () => {
    expect(() => Handlebar.init({ agent: { slug: "a b" }, failClosed: "yes", initTimeoutMs: -1 } as never)).toThrow(
      /HB_CONFIG_INVALID: `agent.slug` .*; `failClosed` must be true or false, not the text `yes`; `initTimeoutMs` /,
    );
    expect(() => Handlebar.init({ agent: { slug: "a" }, failClose: true } as never)).toThrow(
      /HB_CONFIG_UNKNOWN_FIELD: `failClose` unknown field/,
    );
  });
});
