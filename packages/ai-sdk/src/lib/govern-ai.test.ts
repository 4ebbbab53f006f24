import { AsyncLocalStorage } from "node:async_hooks";
import { getCurrentRun, withRun } from "@handlebar/core";
import type { Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { governAI } from "./govern-ai.ts";
import { VERSIONS } from "./versions.test-support.ts";
import { openTestWorld, readAll, toolOf } from "./world.test-support.ts";

const NO_T: Rule = { name: "no", on: "tool.before", tool: { name: "t" }, effect: { type: "block" } };

describe.each(VERSIONS)("governAI on $framework", (version) => {
  const { sdk: ai } = version;

  it("hands on everything else as it is, and two names of one class stay one class", () => {
    const { sdk } = openTestWorld(version, []);
    const changed = Object.keys(ai).filter((name) => Reflect.get(sdk, name) !== Reflect.get(ai, name));
    const wanted = [
      "generateText",
      "streamText",
      "generateObject",
      "streamObject",
      "experimental_streamTextLowMemory",
      "ToolLoopAgent",
      "Experimental_Agent",
    ];
    expect(changed.sort()).toEqual(wanted.filter((name) => name in ai).sort());
    expect(Reflect.get(sdk, "Experimental_Agent")).toBe(Reflect.get(sdk, "ToolLoopAgent"));
  });

  it("does not create a stop condition where the SDK stops after one step", async () => {
    const { sdk, model } = openTestWorld(version, []);
    const { mock, scripted } = model([{ calls: [["t"]] }, { calls: [["t"]] }]);
    await sdk.generateText({ model: mock, tools: { t: toolOf(ai, { execute: () => 1 }) }, prompt: "go" });
    expect(scripted.requests).toHaveLength(1);
  });

  it("keeps an agent's own bound of twenty steps", async () => {
    const { sdk, model } = openTestWorld(version, []);
    const { mock, scripted } = model(Array.from({ length: 30 }, () => ({ calls: [["t"]] as const })));
    const agent = new sdk.ToolLoopAgent({ model: mock, tools: { t: toolOf(ai, { execute: () => 1 }) } });
    await agent.generate({ prompt: "go" });
    expect(scripted.requests).toHaveLength(20);
  });

  it("an agent is one to whoever asks, serves calls at once, and governs what prepareCall gives", async () => {
    const { sdk, model, eventsOf } = openTestWorld(version, [NO_T]);
    let count = 0;
    const tools = { t: toolOf(ai, { execute: () => ++count }) };
    const { mock } = model([{ calls: [["t"]] }, { calls: [["t"]] }, { say: "a" }, { say: "b" }]);
    const agent = new sdk.ToolLoopAgent({
      model: mock,
      tools,
      prepareCall: (args: object) => ({ ...args, tools, model: mock }),
    });
    expect(agent).toBeInstanceOf(ai.ToolLoopAgent);
    expect([Reflect.get(agent, "version"), Reflect.get(agent, "tools")]).toEqual(["agent-v1", tools]);
    await Promise.all([agent.generate({ prompt: "go" }), agent.generate({ prompt: "go" })]);
    expect(count).toBe(0);
    expect(new Set(eventsOf("tool.decision").map(({ runId }) => runId)).size).toBe(eventsOf("run.ended").length);
    expect(eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success", "success"]);
  });

  it("an agent's stream calls the agent's own callbacks and ends its run", async () => {
    const { sdk, model, eventsOf } = openTestWorld(version, []);
    const { mock } = model([{ say: ["a", "b"] }]);
    const called: string[] = [];
    const settings = { model: mock, onFinish: () => called.push("settings") };
    const agent = new sdk.ToolLoopAgent(settings);
    const { textStream } = await agent.stream({ prompt: "go" });
    expect(await readAll(textStream)).toEqual(["a", "b"]);
    expect(called).toEqual(["settings"]);
    expect(eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success"]);
  });

  it("calls the callbacks of the caller, each once", async () => {
    const { sdk, model } = openTestWorld(version, []);
    const { mock } = model([{ say: "a" }]);
    const called: string[] = [];
    const callbacks =
      version.major === 7
        ? { onStart: () => called.push("start"), onEnd: () => called.push("end") }
        : { onFinish: () => called.push("end") };
    const { textStream } = sdk.streamText({ model: mock, prompt: "go", ...callbacks });
    await readAll(textStream);
    expect(called).toEqual(version.major === 7 ? ["start", "end"] : ["end"]);
  });

  it("does not keep a stream open for a callback of ours, and not for what is delivered", async () => {
    const { sdk, model, eventsOf } = openTestWorld(version, [], {
      sinks: [{ write: () => undefined, flush: () => new Promise(() => undefined) }],
    });
    const { mock } = model([{ say: "a" }]);
    await readAll(sdk.streamText({ model: mock, prompt: "go" }).textStream);
    expect((await sdk.generateText({ model: model([{ say: "b" }]).mock, prompt: "go" })).text).toBe("b");
    expect(eventsOf("run.ended")).toEqual([]);
  });

  it("governs the model that prepareStep changes to", async () => {
    const world = openTestWorld(version, []);
    const first = world.model([{ calls: [["t"]] }]);
    const second = world.model([{ say: "end" }]);
    const prepareStep = ({ stepNumber }: { stepNumber: number }): object =>
      stepNumber === 0 ? {} : { model: second.mock };
    const tools = { t: toolOf(ai, { execute: () => 1 }) };
    const stopWhen = ai.stepCountIs(3);
    const { text } = await world.sdk.generateText({ model: first.mock, tools, stopWhen, prepareStep, prompt: "go" });
    expect(text).toBe("end");
    expect(world.eventsOf("llm.result")).toHaveLength(2);
  });

  it("asks for whom at every start, and hands on what is wrong with the answer", async () => {
    let start: object = { actor: { externalId: "a" } };
    const { sdk, model, eventsOf } = openTestWorld(version, [], { govern: { start: () => start } });
    await sdk.generateText({ model: model([{ say: "x" }]).mock, prompt: "go" });
    start = { actor: { externalId: "b" }, sessionId: "s" };
    await sdk.generateText({ model: model([{ say: "x" }]).mock, prompt: "go" });
    expect(eventsOf("run.started").map(({ actorExternalId, sessionId }) => [actorExternalId, sessionId])).toEqual([
      ["a", undefined],
      ["b", "s"],
    ]);
    start = { actor: 7 };
    await expect(sdk.generateText({ model: model([]).mock, prompt: "go" })).rejects.toThrow(/HB_RUN_CONFIG_INVALID/);
  });

  it("registers the tools that a model is offered, with their schemas, once", async () => {
    const world = openTestWorld(version, [], { govern: { tags: { t: ["read-only"] } } });
    const registered: unknown[] = [];
    const { hb } = world;
    const original = hb.registerTools.bind(hb);
    hb.registerTools = (tools) => {
      registered.push(...tools);
      original(tools);
    };
    const tools = { t: toolOf(ai, { description: "does t", execute: () => 1 }) };
    const governed = governAI(ai, hb, { tags: { t: ["read-only"] } });
    for (let time = 0; time < 2; time++) {
      await governed.generateText({ model: world.model([{ calls: [["t"]] }]).mock, tools, prompt: "go" });
    }
    const argsSchema = { type: "object", properties: {}, additionalProperties: true };
    expect(registered).toEqual([{ name: "t", description: "does t", tags: ["read-only"], argsSchema }]);
  });

  it("runs a tool in its own run though the provider's stream comes from another's", async () => {
    // A provider that hands its parts out from another asynchronous context, such as a pooled connection.
    const { sdk, hb } = openTestWorld(version, []);
    const other = hb.startRun({ runId: "other" });
    const seen: (string | undefined)[] = [];
    const tools = { t: toolOf(ai, { execute: () => seen.push(getCurrentRun()?.runId) }) };
    let feed: ReadableStreamDefaultController<object> | undefined;
    const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
    const model = {
      specificationVersion: "v3",
      provider: "p",
      modelId: "m",
      supportedUrls: {},
      doGenerate: () => Promise.reject(new Error("not asked for")),
      doStream: async () => ({
        stream: new ReadableStream<object>({
          start: (controller) => {
            feed = controller;
          },
        }),
      }),
    };
    const store = new AsyncLocalStorage<string>();
    const { fullStream } = sdk.streamText({ model, tools, prompt: "go" });
    const reading = readAll(fullStream);
    await new Promise((resolve) => setImmediate(resolve));
    await withRun(other, () =>
      store.run("other", async () => {
        feed?.enqueue({ type: "stream-start", warnings: [] });
        feed?.enqueue({ type: "tool-call", toolCallId: "c", toolName: "t", input: "{}" });
        feed?.enqueue({ type: "finish", finishReason: { unified: "tool-calls", raw: "x" }, usage });
        feed?.close();
      }),
    );
    await reading;
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toBe("other");
  });

  it("governs objects that a model makes", async () => {
    const rule: Rule = { name: "no model", on: "llm.before", effect: { type: "block" } };
    const schema = ai.jsonSchema({ type: "object", properties: { a: { type: "number" } } });
    const generateObject = (world: ReturnType<typeof openTestWorld>, params: object): Promise<{ object: unknown }> =>
      Reflect.get(world.sdk, "generateObject")(params);
    const open = openTestWorld(version, []);
    const { object } = await generateObject(open, {
      model: open.model([{ say: '{"a":1}' }]).mock,
      schema,
      prompt: "go",
    });
    expect([object, open.eventsOf("llm.result").length, open.eventsOf("run.ended")[0]?.data.status]).toEqual([
      { a: 1 },
      1,
      "success",
    ]);
    const closed = openTestWorld(version, [rule]);
    const { mock, scripted } = closed.model([{ say: '{"a":1}' }]);
    await expect(generateObject(closed, { model: mock, schema, prompt: "go" })).rejects.toThrow();
    expect([scripted.requests.length, closed.eventsOf("run.ended").length]).toEqual([0, 1]);
  });

  it("ends the run of an object that is streamed", async () => {
    const world = openTestWorld(version, []);
    const schema = ai.jsonSchema({ type: "object", properties: { a: { type: "number" } } });
    const { mock } = world.model([{ say: ['{"a"', ":1}"] }]);
    const result = Reflect.get(world.sdk, "streamObject")({ model: mock, schema, prompt: "go" });
    for await (const _ of result.partialObjectStream);
    expect(await result.object).toEqual({ a: 1 });
    expect(world.eventsOf("run.ended").map(({ data }) => data.status)).toEqual(["success"]);
  });
});
