import { Handlebar, type Run } from "@handlebar/core";
import { memorySink } from "@handlebar/core/sinks";
import type { Policy } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { runScriptedAgent } from "./scripted-agent.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const policy = (rules: Policy["rules"]): Policy => ({ name: "p", rules });
const NO_SEND = policy([{ name: "no send", on: "tool.before", tool: { name: "send" }, effect: { type: "block" } }]);

function startRun(policies: readonly Policy[]): { readonly run: Run; readonly kinds: () => readonly string[] } {
  const sink = memorySink();
  const { runtime } = createSimRuntime("agent");
  const hb = Handlebar.init({ agent: { slug: "support" }, policies, sinks: [sink], runtime });
  return { run: hb.startRun(), kinds: () => sink.events.map((event) => event.kind) };
}

describe("runScriptedAgent", () => {
  it("asks the model, calls tools and hands results on, turn by turn", async () => {
    const { run, kinds } = startRun([NO_SEND]);
    const done = await runScriptedAgent(run, {
      system: "be helpful",
      prompt: "look it up and send it",
      script: [
        { say: "looking", calls: [{ tool: "read", args: { id: 7 } }] },
        { calls: [{ tool: "send", args: (calls) => ({ body: JSON.stringify(calls[0]?.result) }) }] },
        { say: "that was not allowed" },
      ],
      tools: { read: () => ({ name: "Ada" }), send: () => expect.fail("it was sent") },
    });
    expect([done.turnCount, done.stoppedBy]).toEqual([3, "script"]);
    expect(done.calls).toMatchObject([
      { callId: "call-1", tool: "read", args: { id: 7 }, status: "done", result: { name: "Ada" } },
      {
        callId: "call-2",
        tool: "send",
        args: { body: '{"name":"Ada"}' },
        status: "blocked",
        decision: { verdict: "BLOCK" },
      },
    ]);
    expect(done.messages.map((message) => message.role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "assistant",
      "tool",
      "assistant",
    ]);
    expect(done.messages[3]).toEqual({
      role: "tool",
      content: [{ type: "tool-result", callId: "call-1", tool: "read", result: { name: "Ada" } }],
    });
    expect(kinds()).toContain("llm.result");
  });

  it("stops when the run is terminated", async () => {
    const { run } = startRun([
      policy([
        { name: "end", on: "tool.before", tool: { name: "wipe" }, effect: { type: "block", control: "TERMINATE" } },
      ]),
    ]);
    const script = [{ calls: [{ tool: "wipe", args: {} }] }, { say: "still here" }];
    const done = await runScriptedAgent(run, { script, tools: {} });
    expect([done.turnCount, done.stoppedBy]).toEqual([1, "terminated"]);
  });

  it("stops when the model is blocked, and shows the model what policy leaves of its words", async () => {
    const blocked = startRun([policy([{ name: "none", on: "llm.before", effect: { type: "block" } }])]).run;
    expect((await runScriptedAgent(blocked, { script: [{ say: "hi" }], tools: {} })).stoppedBy).toBe("model-blocked");
    const redacting = policy([
      { name: "r", on: "llm.after", effect: { type: "redact", redact: [{ detectors: ["email"], method: "remove" }] } },
    ]);
    const { run } = startRun([redacting]);
    const done = await runScriptedAgent(run, { script: [{ say: "write to a@example.com" }], tools: {} });
    expect(done.messages).toEqual([{ role: "assistant", content: [{ type: "text", text: "write to " }] }]);
  });

  it("runs the calls of a turn at once, or one after another", async () => {
    const order = async (parallel: boolean): Promise<readonly string[]> => {
      const { run } = startRun([]);
      const log: string[] = [];
      const tool = (name: string) => async () => {
        log.push(`${name} starts`);
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        log.push(`${name} ends`);
      };
      const calls = [
        { tool: "a", args: {} },
        { tool: "b", args: {} },
      ];
      await runScriptedAgent(run, { script: [{ calls }], tools: { a: tool("a"), b: tool("b") }, parallel });
      return log;
    };
    expect(await order(true)).toEqual(["a starts", "b starts", "a ends", "b ends"]);
    expect(await order(false)).toEqual(["a starts", "a ends", "b starts", "b ends"]);
  });

  it("goes on when a tool throws or does not exist", async () => {
    const { run } = startRun([]);
    const script = [
      {
        calls: [
          { tool: "broken", args: {} },
          { tool: "missing", args: {} },
        ],
      },
      { say: "never mind" },
    ];
    const tools = {
      broken: () => {
        throw new Error("out of order");
      },
    };
    const done = await runScriptedAgent(run, { script, tools });
    expect(done.calls.map((call) => [call.status, String(call.error)])).toEqual([
      ["failed", "Error: out of order"],
      ["failed", "Error: the script calls `missing`, which is not among the tools"],
    ]);
    expect(done.stoppedBy).toBe("script");
  });
});
