import { toolMarks, wrapTool } from "@handlebar/core";
import {
  Agent,
  applyPatchTool,
  type CallToolResultContent,
  type Editor,
  handoff,
  hostedMcpTool,
  type MCPServer,
  Runner,
  type Shell,
  shellTool,
  tool,
} from "@openai/agents";
import { functionCall } from "@openai/agents/testing";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { recordToolError } from "../index.ts";
import { ledgerOf } from "./call-ledger.ts";
import { decideCalls } from "./decide-calls.ts";
import { mapRequest } from "./request-map.ts";
import { settleFromRequest } from "./settle-calls.ts";
import { blockTool, openWorld, say, script } from "./world.test-support.ts";

const anything = { type: "object" as const, properties: {}, required: [], additionalProperties: true as const };
const codeTool = (name: string, execute: (args: unknown) => unknown) =>
  tool({ name, description: name, parameters: anything, strict: false, execute });
const secretMail = {
  name: "mail",
  on: "tool.after" as const,
  effect: { type: "redact" as const, redact: [{ detectors: ["email" as const] }] },
};

/** A server of the framework's MCP interface, in this process. */
function mcpServer(
  answer: () => CallToolResultContent | Promise<CallToolResultContent>,
): MCPServer & { readonly called: string[] } {
  const called: string[] = [];
  return {
    called,
    name: "files",
    cacheToolsList: false,
    connect: async () => {},
    close: async () => {},
    invalidateToolsCache: async () => {},
    listTools: async () =>
      ["fetch", "remove"].map((name) => ({ name, description: name, inputSchema: anything })) as never,
    callTool: async (name) => {
      called.push(name);
      return answer();
    },
  };
}

describe("tools of MCP servers", () => {
  it("are blocked, redacted and recorded as the program's own", async () => {
    const server = mcpServer(() => [{ type: "text", text: "from bob@example.com" }]);
    const world = openWorld([blockTool("remove"), secretMail]);
    const model = script(
      [
        ["fetch", {}],
        ["remove", {}],
      ],
      "done",
    );
    const result = await world.run(new Agent({ name: "a", model, mcpServers: [server] }), "go");
    expect(result.finalOutput).toBe("done");
    expect(server.called).toEqual(["fetch"]);
    expect(JSON.stringify(model.lastCall?.request.input)).toContain("from [redacted:email]");
    expect(JSON.stringify(result.newItems)).not.toContain("bob@example.com");
    expect(world.decided("BLOCK")).toEqual(["remove"]);
    expect(world.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.outcome])).toEqual([
      ["fetch", "success"],
    ]);
  });

  it("give results whose fields policies read, though they come wrapped as text", async () => {
    const record = JSON.stringify({ id: 7, owner: { salary: 900 } });
    const server = mcpServer(() => [{ type: "text", text: record }]);
    const world = openWorld([], {
      config: {
        policies: [
          {
            name: "salaries",
            flow: { sources: [{ fields: ["owner.salary"], add: ["private"] }] },
            rules: [{ ...blockTool("remove"), when: { kind: "label", allOf: ["private"] } }],
          },
        ],
      },
    });
    const model = script([["fetch", {}]], [["remove", {}]], "done");
    await world.run(new Agent({ name: "a", model, mcpServers: [server] }), "go");
    expect([server.called, world.decided("BLOCK")]).toEqual([["fetch"], ["remove"]]);
    expect(world.eventsOf("tool.result")[0]?.data.labelsAdded).toEqual(["private"]);
  });

  it("that throw are recorded as failed", async () => {
    const world = openWorld([]);
    const server = mcpServer(() => Promise.reject(new Error("gone")));
    await world.run(new Agent({ name: "a", model: script([["fetch", {}]], "done"), mcpServers: [server] }), "go");
    expect(world.eventsOf("tool.result").map(({ data }) => data.outcome)).toEqual(["error"]);
  });
});

describe("a shell", () => {
  const shellCall = (command: string) => [
    { type: "shell_call" as const, callId: "s", status: "completed" as const, action: { commands: [command] } },
  ];
  const shellOf = (stdout: string): Shell & { readonly ran: string[][] } => {
    const ran: string[][] = [];
    return {
      ran,
      run: async ({ commands }) => {
        ran.push(commands);
        return { output: [{ stdout, stderr: "", outcome: { type: "exit", exitCode: 0 } }] };
      },
    };
  };

  it("does not run a blocked command, and the model reads why where it reads errors", async () => {
    const shell = shellOf("");
    const world = openWorld([
      blockTool("shell", {
        when: { kind: "toolArg", path: "commands", op: "contains", type: "string", value: "rm -rf /" },
      }),
    ]);
    const model = script(shellCall("rm -rf /"), "done");
    const result = await world.run(new Agent({ name: "a", model, tools: [shellTool({ shell })] }), "go");
    expect(result.finalOutput).toBe("done");
    expect(shell.ran).toEqual([]);
    const [decision] = world.eventsOf("tool.decision");
    expect(decision?.data).toMatchObject({ verdict: "BLOCK", tool: { name: "shell", kind: "shell" } });
    expect(JSON.stringify(model.lastCall?.request.input)).toContain(
      JSON.stringify(decision?.data.message).slice(1, -1),
    );
  });

  it("runs what is let through, and its output is redacted", async () => {
    const shell = shellOf("mail eve@example.com");
    const world = openWorld([secretMail]);
    const model = script(shellCall("cat inbox"), "done");
    const result = await world.run(new Agent({ name: "a", model, tools: [shellTool({ shell })] }), "go");
    expect(shell.ran).toEqual([["cat inbox"]]);
    expect(JSON.stringify([model.calls, result.newItems])).not.toContain("eve@example.com");
    expect(world.eventsOf("tool.result").map(({ data }) => data.tool.name)).toEqual(["shell"]);
  });

  it("waits for a person in the framework's own way", async () => {
    const shell = shellOf("");
    let answer: (() => void) | undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const world = openWorld([{ name: "ask", on: "tool.before", effect: { type: "hitl" } }], {
      config: { onApproval: () => answered.then(() => ({ status: "approved", by: "ann" })) },
    });
    const agent = new Agent({ name: "a", model: script(shellCall("ls"), "done"), tools: [shellTool({ shell })] });
    const paused = await world.run(agent, "go");
    expect(paused.interruptions.map(({ rawItem }) => rawItem.type)).toEqual(["shell_call"]);
    answer?.();
    await new Promise((resolve) => setImmediate(resolve));
    const result = await world.run(agent, paused.state);
    expect([result.finalOutput, shell.ran]).toEqual(["done", [["ls"]]]);
  });
});

describe("an editor of files", () => {
  const patch = (path: string) => [
    {
      type: "apply_patch_call" as const,
      callId: "p",
      status: "completed" as const,
      operation: { type: "create_file" as const, path, diff: "+x" },
    },
  ];

  it("does not apply a blocked patch and applies one that is let through", async () => {
    const written: string[] = [];
    const editor: Editor = {
      createFile: async ({ path }) => {
        written.push(path);
      },
      updateFile: async () => undefined,
      deleteFile: async () => undefined,
    };
    const world = openWorld([
      blockTool("apply_patch", {
        when: { kind: "toolArg", path: "path", op: "startsWith", type: "string", value: "/etc" },
      }),
    ]);
    const model = script(patch("/etc/passwd"), "done", patch("notes"), "done");
    const agent = new Agent({ name: "a", model, tools: [applyPatchTool({ editor })] });
    await world.run(agent, "go");
    expect(model.lastCall?.request.input).toContainEqual(
      expect.objectContaining({ type: "apply_patch_call_output", status: "failed" }),
    );
    await world.run(agent, "go");
    expect(written).toEqual(["notes"]);
  });
});

describe("hosted MCP servers that ask first", () => {
  const request = [
    {
      type: "hosted_tool_call" as const,
      id: "m",
      name: "refund",
      providerData: {
        type: "mcp_approval_request",
        id: "m",
        name: "refund",
        arguments: '{"amount":900}',
        server_label: "pay",
      },
    },
  ];
  const agentWith = (model: ReturnType<typeof script>, onApproval?: () => Promise<{ approve: boolean }>) =>
    new Agent({
      name: "a",
      model,
      tools: [
        hostedMcpTool({
          serverLabel: "pay",
          serverUrl: "https://pay.example",
          requireApproval: "always",
          ...(onApproval === undefined ? {} : { onApproval }),
        }),
      ],
    });

  it("are denied what policy blocks, with the reason, whatever the program would say", async () => {
    const world = openWorld([blockTool("refund")]);
    const model = script(request, "done");
    const result = await world.run(
      agentWith(model, async () => ({ approve: true })),
      "go",
    );
    expect(result.finalOutput).toBe("done");
    const [decision] = world.eventsOf("tool.decision");
    expect(model.lastCall?.request.input).toContainEqual(
      expect.objectContaining({
        name: "mcp_approval_response",
        providerData: { approve: false, approval_request_id: "m", reason: decision?.data.message },
      }),
    );
  });

  it("go on to the program where policy lets them through, and their result is recorded", async () => {
    const world = openWorld([]);
    const done = {
      type: "hosted_tool_call" as const,
      id: "r",
      name: "refund",
      output: "paid",
      providerData: { type: "mcp_call", name: "refund", approval_request_id: "m" },
    };
    const model = script(request, [done, say("done")]);
    const result = await world.run(
      agentWith(model, async () => ({ approve: true })),
      "go",
    );
    expect(result.finalOutput).toBe("done");
    expect(world.eventsOf("tool.result").map(({ data }) => [data.callId, data.tool.name, data.result])).toEqual([
      ["m", "refund", "paid"],
    ]);
  });

  it("without an answer of the program's are its interruption", async () => {
    const world = openWorld([]);
    const result = await world.run(agentWith(script(request, "done")), "go");
    expect(result.interruptions.map(({ name }) => name)).toEqual(["refund"]);
    expect(world.eventsOf("run.ended")).toEqual([]);
  });
});

describe("handoffs", () => {
  const to = (name: string, model: ReturnType<typeof script>) => new Agent({ name, model });

  it("that are blocked leave the agent in charge, and the model reads why", async () => {
    const world = openWorld([blockTool("transfer_to_refunds")]);
    const model = script([["transfer_to_refunds", {}]], "still here");
    const front = new Agent({ name: "front", model, handoffs: [to("refunds", script("never"))] });
    const result = await world.run(front, "go");
    expect([result.finalOutput, result.lastAgent]).toEqual(["still here", front]);
    const [decision] = world.eventsOf("tool.decision");
    expect(decision?.data.tool).toEqual({ name: "transfer_to_refunds", kind: "handoff" });
    expect(JSON.stringify(model.lastCall?.request.input)).toContain(
      JSON.stringify(decision?.data.message).slice(1, -1),
    );
  });

  it("that are let through hand over to the very agent, whose tools are governed", async () => {
    const world = openWorld([blockTool("send")]);
    const sent: unknown[] = [];
    const refunds = new Agent({
      name: "refunds",
      model: script([["send", {}]], "refused"),
      tools: [codeTool("send", (args) => sent.push(args))],
    });
    const front = new Agent({
      name: "front",
      model: script([["transfer_to_refunds", {}]]),
      handoffs: [handoff(refunds)],
    });
    const result = await world.run(front, "go");
    expect([result.finalOutput, result.lastAgent === refunds, sent]).toEqual(["refused", true, []]);
    expect(world.eventsOf("tool.result").map(({ data }) => data.result)).toEqual([{ assistant: "refunds" }]);
  });
});

describe("function tools", () => {
  it("keep their type and marks, and run unchanged where there is no run", async () => {
    const note = wrapTool(
      codeTool("note", () => "noted"),
      { tags: ["external"] },
    );
    const world = openWorld([blockTool("note")]);
    const agent = new Agent({ name: "a", model: script([["note", {}]], "one", [["note", {}]], "two"), tools: [note] });
    await world.run(agent, "go");
    const plain = await new Runner().run(agent, "go");
    expect(JSON.stringify(plain.newItems)).toContain("noted");
    expect([agent.tools[0] === note, toolMarks(note)]).toEqual([true, { tags: ["external"] }]);
    expect(world.eventsOf("tool.decision")).toHaveLength(1);
  });

  it("with an output schema read a denial like any other, and the caller sees no exception", async () => {
    const report = tool({
      name: "report",
      description: "report",
      parameters: z.object({}),
      outputSchema: z.object({ count: z.number() }),
      execute: async () => ({ count: 1 }),
    });
    for (const rule of [blockTool("report"), blockTool("report", { on: "tool.after" })]) {
      const world = openWorld([rule]);
      const model = script([["report", {}]], "done");
      const result = await world.run(new Agent({ name: "a", model, tools: [report] }), "go");
      expect(result.finalOutput).toBe("done");
      expect(JSON.stringify(model.lastCall?.request.input)).toContain("not here");
    }
    const world = openWorld([]);
    const model = script([["report", {}]], "done");
    await world.run(new Agent({ name: "a", model, tools: [report] }), "go");
    expect(JSON.stringify(model.lastCall?.request.input)).toContain('{\\"count\\":1}');
  });

  it("whose own guardrails refuse a call are recorded as not started, and see redacted results", async () => {
    const seen: unknown[] = [];
    const guarded = (name: string, refuse: boolean) =>
      tool({
        name,
        description: name,
        parameters: anything,
        strict: false,
        execute: () => "bob@example.com",
        inputGuardrails: [
          {
            name: "own",
            run: async () => ({
              behavior: refuse ? { type: "rejectContent", message: "own rule" } : { type: "allow" },
            }),
          },
        ],
        outputGuardrails: [
          {
            name: "own",
            run: async ({ output }) => {
              seen.push(output);
              return { behavior: { type: "allow" } };
            },
          },
        ],
      });
    const world = openWorld([secretMail]);
    const model = script(
      [
        ["open", {}],
        ["shut", {}],
      ],
      "done",
    );
    await world.run(new Agent({ name: "a", model, tools: [guarded("open", false), guarded("shut", true)] }), "go");
    expect(seen).toEqual(["[redacted:email]"]);
    expect(world.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.outcome, data.error?.name])).toEqual([
      ["open", "success", undefined],
      ["shut", "error", "NotStarted"],
    ]);
  });

  it("tell the program through the framework's guardrail results which calls were denied or withheld, and why", async () => {
    const world = openWorld([blockTool("one"), blockTool("two", { on: "tool.after" })]);
    const model = script(
      [
        ["one", {}],
        ["two", {}],
      ],
      "done",
    );
    const agent = new Agent({ name: "a", model, tools: [codeTool("one", () => 1), codeTool("two", () => 2)] });
    const result = await world.run(agent, "go");
    const info = (results: readonly { readonly output: { readonly outputInfo?: unknown } }[]) =>
      results.flatMap(({ output }) => output.outputInfo ?? []);
    const denied = { verdict: "BLOCK", cause: { kind: "RULE_VIOLATION" } };
    expect(info(result.toolInputGuardrailResults)).toMatchObject([{ callId: "call-1", ...denied }]);
    expect(info(result.toolOutputGuardrailResults)).toMatchObject([{ callId: "call-2", ...denied }]);
  });

  it("with `recordToolError` have what they threw on record, and the model reads the framework's own words", async () => {
    const fail = tool({
      name: "fail",
      description: "fail",
      parameters: z.object({}),
      errorFunction: recordToolError,
      execute: async () => {
        throw new RangeError("out of range");
      },
    });
    const world = openWorld([]);
    const model = script([["fail", {}]], "done");
    await world.run(new Agent({ name: "a", model, tools: [fail] }), "go");
    expect(world.eventsOf("tool.result")[0]?.data.error).toEqual({ name: "RangeError", message: "out of range" });
    expect(JSON.stringify(model.lastCall?.request.input)).toContain("An error occurred while running the tool");
  });

  it("whose arguments are no JSON are decided on the text, do not run, and are recorded as not started", async () => {
    const world = openWorld([]);
    const ran: unknown[] = [];
    const broken = { type: "function_call" as const, callId: "b", name: "note", arguments: "{oops" };
    const model = script([broken], "done");
    await world.run(new Agent({ name: "a", model, tools: [codeTool("note", (args) => ran.push(args))] }), "go");
    expect(ran).toEqual([]);
    expect(world.eventsOf("tool.decision")[0]?.data.args).toBe("{oops");
    expect(world.eventsOf("tool.result").map(({ data }) => data.error?.name)).toEqual(["NotStarted"]);
  });
});

describe("what providers run themselves", () => {
  it("is recorded by its result", async () => {
    const world = openWorld([]);
    const search = {
      type: "hosted_tool_call" as const,
      id: "w",
      name: "web_search_call",
      status: "completed",
      providerData: { type: "web_search_call", action: { query: "x" } },
    };
    await world.run(new Agent({ name: "a", model: script([search, say("done")]) }), "go");
    expect(world.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.tool.kind])).toEqual([
      ["web_search_call", "provider"],
    ]);
    expect(world.eventsOf("tool.decision")).toEqual([]);
  });

  it("is taken out of the answer where it is a computer's action that policy blocks", async () => {
    const world = openWorld([blockTool("computer")]);
    const click = {
      type: "computer_call" as const,
      callId: "c",
      status: "completed" as const,
      action: { type: "click" as const, x: 1, y: 2, button: "left" as const },
    };
    const result = await world.run(new Agent({ name: "a", model: script([click]) }), "go");
    expect(String(result.finalOutput)).toContain("not here");
  });
});

describe("tools that the framework gets in unusual ways", () => {
  it("from an agent with methods of its own, which a handoff reaches, are governed", async () => {
    const ran: string[] = [];
    class Late extends Agent {
      override async getAllTools(...args: Parameters<Agent["getAllTools"]>) {
        return [...(await super.getAllTools(...args)), codeTool("late", () => ran.push("late"))];
      }
    }
    const late = new Late({ name: "late", model: script([["late", {}]], "done") });
    const front = new Agent({ name: "front", model: script([["transfer_to_late", {}]]), handoffs: [late] });
    const result = await openWorld([blockTool("late")]).run(front, "go");
    expect([result.finalOutput, ran]).toEqual(["done", []]);
  });

  it("are governed through another that stands for them where they are frozen", async () => {
    const ran: string[] = [];
    const frozen = Object.freeze(codeTool("frozen", () => ran.push("frozen")));
    const agent = new Agent({ name: "a", model: script([["frozen", {}]], "done"), tools: [frozen] });
    const result = await openWorld([blockTool("frozen")]).run(agent, "go");
    expect([result.finalOutput, ran, agent.tools[0] === frozen]).toEqual(["done", [], true]);
  });

  it("and that no agent gave it are taken out of the answer when blocked, and redacted in the conversation when not", async () => {
    const world = openWorld([blockTool("loaded"), secretMail]);
    const run = world.hb.startRun();
    const asks = (name: string) => functionCall(name, {}, { callId: name });
    const decided = await decideCalls(run, [asks("loaded"), asks("other")], { handoffs: [] });
    expect(decided).toEqual([say(world.eventsOf("tool.decision")[0]?.data.message ?? ""), asks("other")]);
    const output = { type: "text" as const, text: "from bob@example.com" };
    const item = {
      type: "function_call_result" as const,
      callId: "other",
      name: "other",
      status: "completed" as const,
      output,
    };
    await settleFromRequest(run, [item]);
    const { messages } = mapRequest({ input: [item] } as never, ledgerOf(run));
    expect(messages).toEqual([
      {
        role: "tool",
        content: [{ type: "tool-result", callId: "other", tool: "other", result: "from [redacted:email]" }],
      },
    ]);
    expect(world.eventsOf("tool.result").map(({ data }) => [data.tool.name, data.outcome])).toEqual([
      ["other", "success"],
    ]);
  });
});
