import { wrapTool } from "@handlebar/core";
import { PolicyDenied } from "@handlebar/core/adapter";
import type { Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { governTools } from "./govern.ts";
import { VERSIONS } from "./versions.test-support.ts";
import { openTestWorld, readAll, toolOf } from "./world.test-support.ts";

const BLOCK: Rule = {
  name: "no",
  on: "tool.before",
  tool: { name: "t" },
  effect: { type: "block", reason: "not now" },
};
const REDACT: Rule = { name: "r", on: "tool.after", effect: { type: "redact", redact: [{ detectors: ["email"] }] } };
const WITHHOLD: Rule = { name: "w", on: "tool.after", effect: { type: "block" } };

interface Part {
  readonly type: string;
  readonly error?: unknown;
  readonly output?: unknown;
  readonly preliminary?: boolean;
}

describe.each(VERSIONS)("governed tools on $framework", (version) => {
  const call = async (tool: object, rules: readonly Rule[] = []) => {
    const world = openTestWorld(version, rules);
    const { mock, scripted } = world.model([{ calls: [["t", { a: 1 }]] }, { say: "end" }]);
    const { steps } = await world.sdk.generateText({
      model: mock,
      tools: { t: tool },
      stopWhen: version.sdk.stepCountIs(3),
      prompt: "go",
    });
    const parts: readonly Part[] = steps.flatMap((step) => step.content);
    return { ...world, scripted, parts, result: parts.find(({ type }) => type === "tool-result")?.output };
  };

  it("a denied call is an error part that carries the decision, and the tool's own output mapping never sees it", async () => {
    const tool = toolOf(version.sdk, {
      execute: () => ["x"],
      toModelOutput: (given: { readonly output?: readonly string[] } | readonly string[]) => ({
        type: "text",
        value: (Array.isArray(given) ? given : ((given as { output: string[] }).output ?? [])).join(),
      }),
    });
    const { parts } = await call(tool, [BLOCK]);
    const error = parts.find(({ type }) => type === "tool-error")?.error;
    expect(PolicyDenied.is(error) && error.decision).toMatchObject({
      verdict: "BLOCK",
      cause: { kind: "RULE_VIOLATION" },
    });
    expect(parts.some(({ type }) => type === "tool-result")).toBe(false);
  });

  it("a generator stays one: its early values go out, and its last is the result", async () => {
    const tool = toolOf(version.sdk, {
      async *execute() {
        yield "one";
        yield "two";
      },
    });
    expect((await call(tool)).result).toBe("two");
    const world = openTestWorld(version, []);
    const { mock } = world.model([{ calls: [["t"]] }]);
    const { fullStream } = world.sdk.streamText({ model: mock, tools: { t: tool }, prompt: "go" });
    const results = (await readAll(fullStream as AsyncIterable<Part>)).filter(({ type }) => type === "tool-result");
    expect(results.filter(({ preliminary }) => preliminary === true).map(({ output }) => output)).toEqual([
      "one",
      "two",
    ]);
    expect(world.eventsOf("tool.result").map(({ data }) => data.result)).toEqual(["two"]);
  });

  it("early values wait where a rule may still redact or withhold the result", async () => {
    const tool = toolOf(version.sdk, {
      async *execute() {
        yield "ask bob@example.com";
        yield "ask ann@example.com";
      },
    });
    for (const rule of [REDACT, WITHHOLD]) {
      const world = openTestWorld(version, [rule]);
      const { mock } = world.model([{ calls: [["t"]] }]);
      const { fullStream } = world.sdk.streamText({ model: mock, tools: { t: tool }, prompt: "go" });
      expect(JSON.stringify(await readAll(fullStream))).not.toContain("@example.com");
    }
    expect((await call(tool, [REDACT])).result).toBe("ask [redacted:email]");
  });

  it("a generator that fails is recorded and fails as it would", async () => {
    const tool = toolOf(version.sdk, {
      async *execute() {
        yield "one";
        throw new RangeError("broken");
      },
    });
    const { parts, eventsOf } = await call(tool);
    expect(String(parts.find(({ type }) => type === "tool-error")?.error)).toContain("broken");
    expect(eventsOf("tool.result")[0]?.data.error?.message).toBe("broken");
  });

  it("what a plain function gives to iterate is read to its last value", async () => {
    const tool = toolOf(version.sdk, {
      execute: () => ({
        async *[Symbol.asyncIterator]() {
          yield 1;
          yield 2;
        },
      }),
    });
    expect((await call(tool)).result).toBe(2);
  });

  it("a tool of a class keeps its own object and its getters", async () => {
    class Counter {
      readonly inputSchema = version.sdk.jsonSchema({ type: "object", properties: {} });
      #count = 41;
      get description(): string {
        return "counts";
      }
      execute(): number {
        return ++this.#count;
      }
    }
    const { result, scripted } = await call(new Counter());
    expect(result).toBe(42);
    expect(scripted.requests[0]?.tools).toEqual(["t"]);
  });

  it("tags come from the options, from marks, and from what an MCP server says", async () => {
    const hints = { metadata: { clientName: "files", annotations: { destructiveHint: true, openWorldHint: true } } };
    const world = openTestWorld(version, [], { govern: { tags: { a: ["from-options"] } } });
    const { mock } = world.model([{ calls: [["a"], ["b"], ["c"]] }]);
    const tool = (extra: object): object => toolOf(version.sdk, { execute: () => 1, ...extra });
    const b = wrapTool(tool({}), { tags: ["from-mark"], classification: "restricted" });
    await world.sdk.generateText({ model: mock, tools: { a: tool({}), b, c: tool(hints) }, prompt: "go" });
    const seen = world.eventsOf("tool.decision").map(({ data }) => [data.tool.name, data.tool.tags, data.tool.kind]);
    expect(seen).toEqual([
      ["a", ["from-options"], undefined],
      ["b", ["from-mark", "classification:restricted"], undefined],
      ["c", ["destructive", "external"], "mcp"],
    ]);
  });

  it("no call of a batch starts before all of it are decided, and none after one of them ended the run", async () => {
    let decide = (): void => undefined;
    let slow = (): Promise<number> => Promise.resolve(0);
    const isAsked = new Promise<void>((asked) => {
      slow = () =>
        new Promise((resolve) => {
          decide = () => resolve(1);
          asked();
        });
    });
    const end: Rule = {
      name: "end",
      on: "tool.before",
      tool: { name: "wipe" },
      when: { kind: "signal", signal: "slow", type: "number", op: "eq", value: 1 },
      effect: { type: "block", control: "TERMINATE" },
    };
    const world = openTestWorld(version, [end], { signals: { slow: () => slow() } });
    const { mock } = world.model([{ calls: [["read"], ["wipe"]] }]);
    const ran: string[] = [];
    const tool = (name: string): object => toolOf(version.sdk, { execute: () => ran.push(name) });
    const tools = { read: tool("read"), wipe: tool("wipe") };
    const result = world.sdk.generateText({ model: mock, tools, prompt: "go" });
    await isAsked;
    // Whatever is ready has run after a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.eventsOf("tool.decision").map(({ data }) => [data.tool.name, data.verdict])).toEqual([
      ["read", "ALLOW"],
    ]);
    decide();
    await result;
    expect(ran).toEqual([]);
    expect(world.eventsOf("tool.result").map(({ data }) => data.error?.name)).toEqual(["NotStarted"]);
  });

  it("the caller's own question for an approval is asked first and still pauses", async () => {
    const world = openTestWorld(version, [], { govern: { approvals: "native" } });
    const { mock } = world.model([{ calls: [["t"]] }]);
    let count = 0;
    const tool = toolOf(version.sdk, { needsApproval: async () => true, execute: () => ++count });
    const { steps } = await world.sdk.generateText({ model: mock, tools: { t: tool }, prompt: "go" });
    expect([count, steps[0]?.content.map(({ type }) => type)]).toEqual([0, ["tool-call", "tool-approval-request"]]);
  });

  it("asks for an approval and runs with one decision, not two", async () => {
    const world = openTestWorld(version, [], { govern: { approvals: "native" } });
    const { mock } = world.model([{ calls: [["t"], ["t"]] }]);
    const tools = { t: toolOf(version.sdk, { execute: () => 1 }) };
    await world.sdk.generateText({ model: mock, tools, prompt: "go" });
    expect([world.eventsOf("tool.decision").length, world.eventsOf("tool.result").length]).toEqual([2, 2]);
  });

  it("the original tool is left as it was, and one governed already is left alone", () => {
    const { hb } = openTestWorld(version, []);
    const run = hb.startRun();
    const tools = Object.freeze({ t: Object.freeze(toolOf(version.sdk, { execute: () => 1 })), none: {} });
    const once = governTools(run, tools);
    expect(once.t).not.toBe(tools.t);
    expect(once.none).toBe(tools.none);
    expect(governTools(run, once).t).toBe(once.t);
    // A copy by hand keeps the mark, which stands on the function.
    const copied = { t: { ...once.t } };
    expect(governTools(run, copied).t).toBe(copied.t);
  });
});
