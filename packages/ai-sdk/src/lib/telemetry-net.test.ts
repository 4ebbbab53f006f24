import type { Rule } from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { handlebarTelemetry } from "./telemetry-net.ts";
import { VERSIONS } from "./versions.test-support.ts";
import { openTestWorld, readAll, toolOf } from "./world.test-support.ts";

const NO_T: Rule = { name: "no", on: "tool.before", tool: { name: "t" }, effect: { type: "block" } };
const END: Rule = { ...NO_T, effect: { type: "block", control: "TERMINATE" } };
const REDACT: Rule = { name: "r", on: "llm.before", effect: { type: "redact", redact: [{ detectors: ["email"] }] } };

describe.each(VERSIONS.filter(({ major }) => major === 7))("the telemetry net on $framework", (version) => {
  const { sdk: ai } = version;
  const holder = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] };
  afterEach(() => {
    holder.AI_SDK_TELEMETRY_INTEGRATIONS = [];
  });

  const open = (rules: readonly Rule[]) => {
    const world = openTestWorld(version, rules);
    Reflect.get(ai, "registerTelemetry")(handlebarTelemetry(world.hb, { tags: { t: ["tagged"] } }));
    const ran: string[] = [];
    const tools = { t: toolOf(ai, { execute: () => ran.push("t") }), u: toolOf(ai, { execute: () => ran.push("u") }) };
    return { ...world, ran, tools, stopWhen: ai.stepCountIs(4) };
  };

  it("governs code that calls the SDK directly: decides, records, counts, and ends the run", async () => {
    const { model, ran, tools, stopWhen, eventsOf } = open([NO_T]);
    const { mock, scripted } = model([{ calls: [["t"], ["u"]] }, { say: "end" }]);
    const { text } = await ai.generateText({ model: mock, tools, stopWhen, prompt: "go" });
    expect([text, ran]).toEqual(["end", ["u"]]);
    expect(scripted.sentIn(1)).toContain("PolicyDenied");
    expect(eventsOf("tool.decision").map(({ data }) => [data.tool.name, data.tool.tags, data.verdict])).toEqual([
      ["t", ["tagged"], "BLOCK"],
      ["u", undefined, "ALLOW"],
    ]);
    expect(eventsOf("tool.result").map(({ data }) => [data.tool.name, data.result])).toEqual([["u", 1]]);
    expect(eventsOf("llm.result").map(({ data }) => data.metrics?.["llm_tokens_in"])).toEqual([10, 10]);
    expect(eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success"]);
  });

  it("governs streams too", async () => {
    const { model, ran, tools, stopWhen, eventsOf } = open([NO_T]);
    const { mock } = model([{ calls: [["t"], ["u"]] }, { say: ["e", "nd"] }]);
    const { textStream } = ai.streamText({ model: mock, tools, stopWhen, prompt: "go" });
    expect(await readAll(textStream)).toEqual(["e", "nd"]);
    expect(ran).toEqual(["u"]);
    expect(eventsOf("llm.result")).toHaveLength(2);
    expect(eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success"]);
  });

  it("ends a loop without an exception", async () => {
    const { model, tools, stopWhen, eventsOf } = open([END]);
    const { mock, scripted } = model([{ calls: [["t"]] }, { say: "never" }]);
    const { text } = await ai.generateText({ model: mock, tools, stopWhen, prompt: "go" });
    expect(text).not.toBe("never");
    expect(scripted.requests).toHaveLength(1);
    expect(eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["interrupted"]);
  });

  it("lets through what governAI governs, so that each call is decided once", async () => {
    const { model, ran, sdk, tools, stopWhen, eventsOf } = open([NO_T]);
    const { mock } = model([{ calls: [["t"], ["u"]] }, { say: "end" }]);
    await sdk.generateText({ model: mock, tools, stopWhen, prompt: "go" });
    await new sdk.ToolLoopAgent({ model: model([{ calls: [["u"]] }]).mock, tools }).generate({ prompt: "go" });
    expect(ran).toEqual(["u", "u"]);
    expect([eventsOf("tool.decision").length, eventsOf("llm.result").length, eventsOf("run.ended").length]).toEqual([
      3, 4, 2,
    ]);
  });

  it("joins the run of the governed agent whose tool calls the SDK directly", async () => {
    const { model, ran, sdk, tools, stopWhen, eventsOf } = open([NO_T]);
    const inner = model([{ calls: [["t"], ["u"]] }, { say: "found" }]).mock;
    const research = toolOf(ai, {
      execute: async () => (await ai.generateText({ model: inner, tools, stopWhen, prompt: "find" })).text,
    });
    const outer = model([{ calls: [["research"]] }, { say: "end" }]).mock;
    await sdk.generateText({ model: outer, tools: { research }, stopWhen, prompt: "go" });
    expect(ran).toEqual(["u"]);
    expect([eventsOf("run.started").length, eventsOf("llm.result").length]).toEqual([1, 4]);
    expect(eventsOf("tool.decision").map(({ data }) => data.tool.name)).toEqual(["research", "t", "u"]);
  });

  it("denies what it would have to rewrite", async () => {
    const redactArgs: Rule = { ...REDACT, on: "tool.before" };
    const first = open([REDACT]);
    const { mock, scripted } = first.model([{ say: "never" }]);
    await ai.generateText({ model: mock, prompt: "write to bob@example.com" });
    expect(scripted.requests).toHaveLength(0);
    holder.AI_SDK_TELEMETRY_INTEGRATIONS = [];
    const second = open([redactArgs]);
    const calls = second.model([{ calls: [["u", { to: "bob@example.com" }]] }]).mock;
    await ai.generateText({ model: calls, tools: second.tools, prompt: "go" });
    expect(second.ran).toEqual([]);
  });

  it("denies calls whose arguments are kept from telemetry, where a rule could look at them", async () => {
    const { model, ran, tools } = open([NO_T]);
    const { mock } = model([{ calls: [["u"]] }]);
    await ai.generateText({ model: mock, tools, prompt: "go", telemetry: { recordInputs: false } });
    expect(ran).toEqual([]);
  });

  it("ends a run as error when the call fails", async () => {
    const { model, eventsOf } = open([]);
    const { mock } = model([{ throws: new RangeError("no model") }]);
    await expect(ai.generateText({ model: mock, prompt: "go", maxRetries: 0 })).rejects.toThrow("no model");
    expect(eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["error"]);
  });
});
