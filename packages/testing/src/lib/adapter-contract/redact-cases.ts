import type { Rule } from "@handlebar/protocol";
import { expectEqual } from "../contract-case.ts";
import type { CaseBody } from "./contract-case-body.ts";
import { expectDone, expectExcludes, expectIncludes, expectRunEnded, ToolBox } from "./expectations.ts";
import { type Line, ScriptedModel } from "./scripted-model.ts";

const IN: Rule = {
  name: "no mail addresses in",
  on: "llm.before",
  effect: { type: "redact", redact: [{ detectors: ["email"] }] },
};
const OUT: Rule = { ...IN, name: "no mail addresses out", on: "llm.after" };
const MARK = "[redacted:email]";

export const REDACT_CASES: readonly CaseBody[] = [
  {
    id: "redact.prompt",
    title: "redaction reaches what the user wrote",
    run: async (world) => {
      const model = new ScriptedModel([{ say: "finished" }]);
      const outcome = await world.run({ hb: world.client({ rules: [IN] }), model, prompt: "mail bob@example.com now" });
      expectDone(outcome);
      expectExcludes("what the model is sent", model.sent, "bob@example.com");
      expectIncludes("what the model is sent", model.sent, `mail ${MARK} now`);
    },
  },
  {
    id: "redact.system",
    title: "redaction reaches the system text",
    run: async (world) => {
      const model = new ScriptedModel([{ say: "finished" }]);
      const outcome = await world.run({
        hb: world.client({ rules: [IN] }),
        model,
        system: "you serve ann@example.com",
      });
      expectDone(outcome);
      expectExcludes("what the model is sent", model.sent, "ann@example.com");
      expectIncludes("what the model is sent", model.sent, `you serve ${MARK}`);
    },
  },
  {
    id: "redact.tool-result",
    title: "redaction of prompts reaches tool results, in every later step",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"]] }, { calls: [["read"]] }, { say: "finished" }]);
      const tools = [box.tool("read", { owner: { mail: "carl@example.com" }, lines: ["from dora@example.com"] })];
      const outcome = await world.run({ hb: world.client({ rules: [IN] }), model, tools });
      expectDone(outcome);
      for (const secret of ["carl@example.com", "dora@example.com"]) {
        expectExcludes("what the model is sent", model.sent, secret);
      }
      expectIncludes("what the model is sent", model.sentIn(2), MARK);
    },
  },
  {
    id: "redact.tool-call",
    title: "redaction of prompts reaches the arguments of earlier calls",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["note", { to: "erin@example.com", n: 1 }]] }, { say: "finished" }]);
      const outcome = await world.run({ hb: world.client({ rules: [IN] }), model, tools: [box.tool("note")] });
      expectDone(outcome);
      expectEqual("executed", box.executed, [{ tool: "note", args: { to: "erin@example.com", n: 1 } }]);
      expectExcludes("what the model is sent", model.sent, "erin@example.com");
    },
  },
  {
    id: "redact.answer",
    title: "redaction reaches the model's answer wherever the caller sees it, and the next prompt",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([
        { say: "ask fred@example.com first", calls: [["read"]] },
        { say: "then gina@example.com" },
      ]);
      const outcome = await world.run({ hb: world.client({ rules: [OUT] }), model, tools: [box.tool("read")] });
      expectDone(outcome);
      for (const secret of ["fred@example.com", "gina@example.com"]) {
        expectExcludes("what the caller is handed", outcome.seen, secret);
        expectExcludes("what the model is sent", model.sent, secret);
      }
      expectEqual("the final text", outcome.text, `then ${MARK}`);
      expectRunEnded(world, "success");
    },
  },
  {
    id: "redact.answer-calls",
    title: "redaction of answers reaches the arguments of their calls",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["note", { to: "hugo@example.com", n: 1 }]] }, { say: "finished" }]);
      const outcome = await world.run({ hb: world.client({ rules: [OUT] }), model, tools: [box.tool("note")] });
      expectDone(outcome);
      expectEqual("executed", box.executed, [{ tool: "note", args: { to: MARK, n: 1 } }]);
    },
  },
  {
    id: "redact.stream",
    title: "no piece of a stream holds a part of what is redacted, however the model cut it",
    fits: (mode) => mode.streams,
    run: async (world) => {
      const model = new ScriptedModel([{ say: ["write to iris@exam", "ple.com or to jo", "hn@example.com today"] }]);
      const outcome = await world.run({ hb: world.client({ rules: [OUT] }), model });
      expectDone(outcome);
      for (const part of ["iris@exam", "hn@example", "example.com"]) {
        expectExcludes("what the caller is handed", outcome.seen, part);
      }
      expectEqual("the streamed text", outcome.chunks.join(""), `write to ${MARK} or to ${MARK} today`);
    },
  },
  {
    id: "redact.lossless",
    title: "where nothing is found, the model and the caller see what they see without us",
    run: async (world) => {
      const lines: readonly Line[] = [
        { say: ["look", "ing"], calls: [["read", { a: [1, "x", null], b: { c: true } }]] },
        { say: ["fin", "ished \u{1f600}"] },
      ];
      const play = async (hb: ReturnType<typeof world.client> | undefined) => {
        const box = new ToolBox();
        const model = new ScriptedModel(lines);
        const outcome = await world.run({
          hb,
          model,
          tools: [box.tool("read", { n: 1.5, list: [{}, []], text: "ends with a line\n" })],
          system: "be kind",
        });
        return {
          sent: model.requests,
          text: outcome.text,
          results: outcome.results,
          streamed: outcome.chunks.join(""),
        };
      };
      const alone = await play(undefined);
      expectEqual("what happens under policy", await play(world.client({ rules: [IN, OUT] })), alone);
    },
  },
  {
    id: "redact.passes-through",
    title: "where no rule may change an answer, its pieces are streamed as the model cut them",
    fits: (mode) => mode.streams,
    run: async (world) => {
      const play = async (hb: ReturnType<typeof world.client> | undefined) => {
        const model = new ScriptedModel([{ say: ["one ", "two ", "three"] }]);
        return (await world.run({ hb, model })).chunks;
      };
      const alone = await play(undefined);
      expectEqual("pieces", await play(world.client({ rules: [IN] })), alone);
    },
  },
];
