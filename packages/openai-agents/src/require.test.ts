import { createRequire } from "node:module";
import type * as agents from "@openai/agents";
import { Agent as ImportedAgent } from "@openai/agents";
import type * as testing from "@openai/agents/testing";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { blockTool, openWorld } from "./lib/world.test-support.ts";
import { createRun, HandlebarRunner } from "./require.ts";

// The framework's copy for `require`, as a program of that kind has it.
const require = createRequire(import.meta.url);
const framework: typeof agents = require("@openai/agents");
const { ScriptedModel, functionCall, assistantMessage }: typeof testing = require("@openai/agents/testing");

describe("the entry for programs that call `require`", () => {
  const ran: string[] = [];
  const makeTool = (name: string, needsApproval = false) =>
    framework.tool({
      name,
      description: name,
      parameters: z.object({}),
      needsApproval,
      execute: async () => {
        ran.push(name);
        return name;
      },
    });

  it("is bound to the program's own copy of the framework", async () => {
    expect(framework.Agent).not.toBe(ImportedAgent);
    const { hb } = openWorld([blockTool("send")]);
    const turns = [[functionCall("send", {}, { callId: "1" }), functionCall("read", {}, { callId: "2" })]];
    const agent = new framework.Agent({
      name: "a",
      model: new ScriptedModel([...turns, [assistantMessage("done")]]),
      tools: [makeTool("send"), makeTool("read")],
    });
    const result = await createRun(hb)(agent, "go");
    expect([result.finalOutput, ran, result instanceof framework.RunResult]).toEqual(["done", ["read"], true]);
    expect(new HandlebarRunner(hb)).toBeInstanceOf(framework.Runner);
  });

  it("goes on from a state that the program read", async () => {
    const { hb } = openWorld([]);
    const agent = new framework.Agent({
      name: "a",
      model: new ScriptedModel([[functionCall("read", {}, { callId: "1" })], [assistantMessage("done")]]),
      tools: [makeTool("read", true)],
    });
    const run = createRun(hb);
    const paused = await run(agent, "go");
    const state = await framework.RunState.fromString(agent, paused.state.toString());
    for (const item of state.getInterruptions()) state.approve(item);
    expect((await run(agent, state)).finalOutput).toBe("done");
  });
});
