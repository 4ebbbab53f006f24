import { HandlebarError } from "@handlebar/core/adapter";
import type { Rule } from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import { govern, governModel } from "./govern.ts";
import { VERSIONS } from "./versions.test-support.ts";
import { openTestWorld, readAll, toolOf } from "./world.test-support.ts";

const IN: Rule = { name: "in", on: "llm.before", effect: { type: "redact", redact: [{ detectors: ["email"] }] } };
const OUT: Rule = { ...IN, name: "out", on: "llm.after" };
const NO_PICK: Rule = { name: "no pick", on: "tool.before", tool: { name: "pick" }, effect: { type: "block" } };
const END: Rule = {
  name: "end",
  on: "tool.before",
  tool: { name: "wipe" },
  effect: { type: "block", control: "TERMINATE" },
};

interface Options {
  readonly prompt: readonly { readonly role: string; readonly content: unknown }[];
}

const USAGE = {
  inputTokens: { total: 3, noCache: 1, cacheRead: 2, cacheWrite: 0 },
  outputTokens: { total: 4, text: 3, reasoning: 1 },
};

/** A model of the provider interface, with the answer as it is given. */
function rawModel(content: readonly object[], seen: Options[] = [], extra: object = {}): object {
  const finishReason = { unified: "stop", raw: "stop" };
  return {
    specificationVersion: "v3",
    provider: "openai.responses",
    modelId: "gpt-x",
    supportedUrls: {},
    doGenerate: async (options: Options) => {
      seen.push(options);
      return { content, finishReason, usage: USAGE, warnings: [], ...extra };
    },
    doStream: async (options: Options) => {
      seen.push(options);
      const parts = [
        { type: "stream-start", warnings: [] },
        ...content,
        { type: "finish", finishReason, usage: USAGE },
      ];
      return { stream: streamOf(parts), ...extra };
    },
  };
}

function streamOf(parts: readonly object[]): ReadableStream<object> {
  const left = [...parts];
  return new ReadableStream({
    pull: (controller) => {
      const part = left.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

const callPart = (toolName: string, input: object): object => ({
  type: "tool-call",
  toolCallId: `id-${toolName}`,
  toolName,
  input: JSON.stringify(input),
});

describe.each(VERSIONS)("a governed model on $framework", (version) => {
  it("keeps what policies do not read: files, signatures, provider options, references", async () => {
    const image = new Uint8Array([1, 2, 3]);
    const messages = [
      { role: "system", content: "be kind", providerOptions: { x: { cache: true } } },
      {
        role: "user",
        content: [
          { type: "text", text: "see bob@example.com", providerOptions: { x: { id: 1 } } },
          { type: "file", data: image, mediaType: "image/png", filename: "a.png" },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", providerOptions: { anthropic: { signature: "sig" } } },
          { type: "tool-call", toolCallId: "c", toolName: "t", input: { n: 1 } },
        ],
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            toolCallId: "c",
            toolName: "t",
            output: {
              type: "content",
              value: [
                { type: "text", text: "ann@example.com" },
                { type: "text", text: "ok" },
              ],
            },
          },
        ],
      },
    ];
    const send = async (rules: readonly Rule[]): Promise<string> => {
      const seen: Options[] = [];
      const { sdk } = openTestWorld(version, rules);
      const model = rawModel([{ type: "text", text: "done" }], seen);
      await sdk.generateText({ model, messages, allowSystemInMessages: true });
      return JSON.stringify(seen[0]?.prompt);
    };
    const plain = await send([]);
    expect(plain).toContain("bob@example.com");
    expect(await send([IN])).toBe(
      plain.replace("bob@example.com", "[redacted:email]").replace("ann@example.com", "[redacted:email]"),
    );
  });

  it("counts what each version of the provider interface says was used", async () => {
    const { sdk, eventsOf } = openTestWorld(version, []);
    const text = [{ type: "text", text: "a" }];
    await sdk.generateText({ model: rawModel(text), prompt: "go" });
    const flat = { inputTokens: 7, outputTokens: 8, totalTokens: 15, cachedInputTokens: 1, reasoningTokens: 2 };
    const second = rawModel(text, [], { finishReason: "stop", usage: flat });
    await sdk.generateText({ model: { ...second, specificationVersion: "v2" }, prompt: "go" });
    const counted = eventsOf("llm.result").map(({ data }) => [
      data.metrics?.["llm_tokens_in"],
      data.metrics?.["llm_tokens_out"],
    ]);
    expect(counted).toEqual([
      [3, 4],
      [7, 8],
    ]);
    expect(eventsOf("llm.decision")[0]?.data.model).toEqual({ name: "gpt-x", provider: "openai" });
  });

  it("takes the provider's raw answer away where it rewrote what it says, and only there", async () => {
    const content = [{ type: "text", text: "ask bob@example.com" }];
    const response = { id: "r", headers: { a: "b" }, body: { raw: "ask bob@example.com" } };
    const ask = async (rules: readonly Rule[]): Promise<string> => {
      const { sdk } = openTestWorld(version, rules);
      const result = await sdk.generateText({
        model: rawModel(content, [], { response }),
        prompt: "go",
        include: { responseBody: true },
      });
      return JSON.stringify([result.text, result.steps, result.response]);
    };
    expect(await ask([])).toContain("bob@example.com");
    expect(await ask([OUT])).not.toContain("bob@example.com");
    expect(await ask([OUT])).toContain('"id":"r"');
  });

  it("rewrites a stream's reasoning, text and calls, and keeps what stands beside them", async () => {
    const { sdk, eventsOf } = openTestWorld(version, [OUT]);
    const content = [
      { type: "reasoning-start", id: "r", providerMetadata: { anthropic: { block: 1 } } },
      { type: "reasoning-delta", id: "r", delta: "he is bob@exa" },
      { type: "reasoning-delta", id: "r", delta: "mple.com" },
      { type: "reasoning-delta", id: "r", delta: "", providerMetadata: { anthropic: { signature: "sig" } } },
      { type: "reasoning-end", id: "r" },
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: "fine " },
      { type: "text-delta", id: "t", delta: "so far" },
      { type: "text-end", id: "t" },
      { type: "source", sourceType: "url", id: "s", url: "https://a.test" },
      { type: "tool-input-start", id: "id-note", toolName: "note" },
      { type: "tool-input-delta", id: "id-note", delta: '{"to":"ann@example.com"}' },
      { type: "tool-input-end", id: "id-note" },
      callPart("note", { to: "ann@example.com" }),
    ];
    const given: unknown[] = [];
    const note = toolOf(version.sdk, { execute: (args: unknown) => given.push(args) });
    const { fullStream } = sdk.streamText({ model: rawModel(content), tools: { note }, prompt: "go" });
    const parts = await readAll(fullStream);
    const seen = JSON.stringify(parts);
    for (const secret of ["bob@exa", "ann@example.com"]) expect(seen).not.toContain(secret);
    for (const kept of ["sig", '"block":1', "https://a.test", "he is [redacted:email]"]) expect(seen).toContain(kept);
    expect(parts.filter(({ type }) => type === "text-delta").map((part) => part.text ?? part.delta)).toEqual([
      "fine ",
      "so far",
    ]);
    expect(given).toEqual([{ to: "[redacted:email]" }]);
    expect(eventsOf("llm.result")).toHaveLength(1);
  });

  it("finds what is cut into several text parts, as some providers cut a sentence", async () => {
    const pieces = ["write to ", "bob@exam", "ple.com now"];
    const content = pieces.map((text) => ({ type: "text", text }));
    const { sdk } = openTestWorld(version, [OUT]);
    const { text, steps } = await sdk.generateText({ model: rawModel(content), prompt: "go" });
    expect(text).toBe("write to [redacted:email] now");
    expect(JSON.stringify(steps)).not.toContain("bob@exam");
    const streamed = pieces.flatMap((delta, id) => [
      { type: "text-start", id: String(id) },
      { type: "text-delta", id: String(id), delta },
      { type: "text-end", id: String(id) },
    ]);
    const parts = await readAll(sdk.streamText({ model: rawModel(streamed), prompt: "go" }).textStream);
    expect(parts.join("")).toBe("write to [redacted:email] now");
  });

  it("stops a call of a tool that runs elsewhere before anybody sees it", async () => {
    const tools = {
      pick: version.sdk.tool({ inputSchema: version.sdk.jsonSchema({ type: "object", properties: {} }) }),
    };
    const content = [{ type: "text", text: "I pick" }, callPart("pick", { a: 1 })];
    const world = openTestWorld(version, [NO_PICK]);
    const { text, steps } = await world.sdk.generateText({ model: rawModel(content), tools, prompt: "go" });
    expect(text).toMatch(/I pick\[pick was not run: .*\]/);
    expect(steps[0]?.content.map(({ type }) => type)).toEqual(["text", "text"]);
    const streamed = [
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: "I " },
      { type: "text-delta", id: "t", delta: "pick" },
      { type: "text-end", id: "t" },
      { type: "tool-input-start", id: "id-pick", toolName: "pick" },
      { type: "tool-input-delta", id: "id-pick", delta: "{}" },
      { type: "tool-input-end", id: "id-pick" },
      callPart("pick", { a: 1 }),
    ];
    const { fullStream } = world.sdk.streamText({ model: rawModel(streamed), tools, prompt: "go" });
    const parts = await readAll(fullStream);
    expect(parts.filter(({ type }) => type.startsWith("tool-"))).toEqual([]);
    // What is not a call is streamed as the model cut it.
    expect(
      parts
        .filter(({ type }) => type === "text-delta")
        .map((part) => part.text ?? part.delta)
        .slice(0, 2),
    ).toEqual(["I ", "pick"]);
    expect(world.eventsOf("tool.decision").map(({ data }) => data.verdict)).toEqual(["BLOCK", "BLOCK"]);
  });

  it("lets an allowed call of such a tool through as it is", async () => {
    const tools = {
      pick: version.sdk.tool({ inputSchema: version.sdk.jsonSchema({ type: "object", properties: {} }) }),
    };
    const { sdk } = openTestWorld(version, []);
    const { steps } = await sdk.generateText({ model: rawModel([callPart("pick", {})]), tools, prompt: "go" });
    expect(steps[0]?.content.map(({ type }) => type)).toEqual(["tool-call"]);
  });

  it("records what a provider ran itself, and withholds what came of it where policy says so", async () => {
    const content = [
      { ...callPart("web_search", { query: "x" }), providerExecuted: true },
      {
        type: "tool-result",
        toolCallId: "id-web_search",
        toolName: "web_search",
        result: { hit: "the page" },
        providerExecuted: true,
      },
      { type: "text", text: "found" },
    ];
    const ask = async (rules: readonly Rule[]) => {
      const world = openTestWorld(version, rules);
      const { steps } = await world.sdk.generateText({ model: rawModel(content), prompt: "go" });
      return { seen: JSON.stringify(steps[0]?.content), kinds: world.events.map(({ kind }) => kind) };
    };
    const allowed = await ask([]);
    expect(allowed.seen).toContain("the page");
    expect(allowed.kinds.filter((kind) => kind.startsWith("tool."))).toEqual(["tool.decision", "tool.result"]);
    const block: Rule = { name: "no web", on: "tool.after", effect: { type: "block" } };
    expect((await ask([block])).seen).not.toContain("the page");
  });

  it("ends the loop without an exception though the model was told that it has to call a tool", async () => {
    const { sdk, model } = openTestWorld(version, [END]);
    const { mock, scripted } = model([{ calls: [["wipe"]] }, { calls: [["wipe"]] }]);
    const tools = { wipe: toolOf(version.sdk, { execute: () => 1 }) };
    const stopWhen = version.sdk.stepCountIs(5);
    await sdk.generateText({ model: mock, tools, stopWhen, toolChoice: "required", prompt: "go" });
    expect(scripted.requests).toHaveLength(1);
  });

  it("an answer under way ends when the run does, though the provider goes on", async () => {
    const { hb, sdk } = openTestWorld(version, []);
    const run = hb.startRun();
    const stuck = new ReadableStream({
      start: (controller) => {
        controller.enqueue({ type: "stream-start", warnings: [] });
        controller.enqueue({ type: "text-start", id: "t" });
        controller.enqueue({ type: "text-delta", id: "t", delta: "one" });
      },
    });
    const model = governModel(run, { ...rawModel([]), doStream: async () => ({ stream: stuck }) });
    const { fullStream } = version.sdk.streamText({
      model,
      prompt: "go",
      onError: ({ error }: { error: unknown }) => expect.fail(String(error)),
    });
    const types: string[] = [];
    for await (const part of fullStream) {
      types.push(part.type);
      if (part.type === "text-delta" && types.filter((type) => type === "text-delta").length === 1)
        void run.end("interrupted");
    }
    expect(types.filter((type) => type === "text-end").length).toBe(2);
    expect(types.at(-1)).toBe("finish");
    expect(sdk).toBeDefined();
  });

  it("refuses the id of a model where nobody can tell what it names, and takes it where the SDK's provider can", async () => {
    const { hb, sdk, eventsOf } = openTestWorld(version, []);
    const run = hb.startRun();
    expect(() => governModel(run, "some/model")).toThrow(HandlebarError);
    const languageModel = (id: string): object => ({ ...rawModel([{ type: "text", text: "by id" }]), modelId: id });
    Object.assign(globalThis, { AI_SDK_DEFAULT_PROVIDER: { languageModel } });
    try {
      const { text } = await sdk.generateText({ model: "some/model", prompt: "go" });
      expect([text, eventsOf("llm.decision")[0]?.data.model?.name]).toEqual(["by id", "some/model"]);
    } finally {
      Reflect.deleteProperty(globalThis, "AI_SDK_DEFAULT_PROVIDER");
    }
  });

  it("a model of a class keeps its own fields, and one governed already is left alone", async () => {
    class Model {
      readonly specificationVersion = "v3";
      readonly supportedUrls = {};
      readonly #name = "own";
      get provider(): string {
        return this.#name;
      }
      get modelId(): string {
        return this.#name;
      }
      doGenerate(): Promise<object> {
        return Promise.resolve({
          content: [{ type: "text", text: this.#name }],
          finishReason: { unified: "stop" },
          usage: USAGE,
          warnings: [],
        });
      }
      doStream(): never {
        throw new Error("not asked for");
      }
    }
    const { hb } = openTestWorld(version, []);
    const run = hb.startRun();
    const model = new Model();
    const once = govern(run, { model });
    expect(once.model).toBeInstanceOf(Model);
    expect([once.model.provider, once.model.modelId]).toEqual(["own", "own"]);
    expect(govern(run, once).model).toBe(once.model);
    expect((await version.sdk.generateText({ model: once.model, prompt: "go" })).text).toBe("own");
  });
});
