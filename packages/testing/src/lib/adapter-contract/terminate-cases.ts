import type { Rule } from "@handlebar/protocol";
import { expectEqual } from "../contract-case.ts";
import type { CaseBody } from "./contract-case-body.ts";
import {
  expectComplete,
  expectDone,
  expectExcludes,
  expectRunEnded,
  expectTrue,
  Gate,
  ToolBox,
} from "./expectations.ts";
import { ScriptedModel } from "./scripted-model.ts";

const END_ON_WIPE: Rule = {
  id: "end-on-wipe",
  name: "end on wipe",
  on: "tool.before",
  tool: { name: "wipe" },
  effect: { type: "block", control: "TERMINATE" },
};

/** Resolves when the signal fires; notes that it did. */
function untilAborted(signal: AbortSignal | undefined, note: () => void): Promise<string> {
  return new Promise((resolve) => {
    const stop = (): void => {
      note();
      resolve("stopped");
    };
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

export const TERMINATE_CASES: readonly CaseBody[] = [
  {
    id: "terminate.batch",
    title: "a call that ends the run starts no sibling that has not started, and the loop ends without an exception",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["wipe"], ["search"]] }, { say: "never" }]);
      const tools = [box.tool("wipe"), box.tool("search")];
      const outcome = await world.run({ hb: world.client({ rules: [END_ON_WIPE] }), model, tools });
      expectDone(outcome);
      expectEqual("executed", box.names, []);
      expectEqual("model requests", model.requests.length, 1);
      expectRunEnded(world, "interrupted");
      expectEqual("what ended the run", world.eventsOf("run.ended")[0]?.data.terminatedBy, "end-on-wipe");
      expectComplete(world);
    },
  },
  {
    id: "terminate.batch-later",
    title: "a call that ends the run from the end of a batch does so too",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["search"], ["wipe"]] }, { say: "never" }]);
      const tools = [box.tool("search"), box.tool("wipe")];
      const outcome = await world.run({ hb: world.client({ rules: [END_ON_WIPE] }), model, tools });
      expectDone(outcome);
      expectEqual("executions of wipe", box.names.filter((name) => name === "wipe").length, 0);
      expectEqual("model requests", model.requests.length, 1);
      expectRunEnded(world, "interrupted");
      expectComplete(world);
    },
  },
  {
    id: "terminate.running-sibling",
    title: "a result that ends the run aborts the siblings that run, and the loop ends without an exception",
    run: async (world) => {
      const started = new Gate();
      let wasAborted = false;
      const box = new ToolBox();
      const tools = [
        box.tool("slow", (_: unknown, { signal }: { readonly signal: AbortSignal | undefined }) => {
          started.open();
          return untilAborted(signal, () => {
            wasAborted = true;
          });
        }),
        box.tool("leak", async () => {
          await started.opened;
          return "a leak";
        }),
      ];
      const rule: Rule = {
        name: "no leak",
        on: "tool.after",
        tool: { name: "leak" },
        effect: { type: "block", control: "TERMINATE" },
      };
      const model = new ScriptedModel([{ calls: [["slow"], ["leak"]] }, { say: "never" }]);
      const outcome = await world.run({ hb: world.client({ rules: [rule] }), model, tools });
      expectDone(outcome);
      expectTrue("the running sibling was aborted", wasAborted);
      expectExcludes("what the caller is handed", outcome.seen, "a leak");
      expectEqual("model requests", model.requests.length, 1);
      expectRunEnded(world, "interrupted");
      expectComplete(world);
    },
  },
  {
    id: "terminate.model-request",
    title: "a model request that ends the run is not sent, and the caller sees no exception",
    run: async (world) => {
      const rule: Rule = { name: "stop", on: "llm.before", effect: { type: "block", control: "TERMINATE" } };
      const model = new ScriptedModel([{ say: "never" }]);
      const outcome = await world.run({ hb: world.client({ rules: [rule] }), model });
      expectDone(outcome);
      expectEqual("model requests", model.requests.length, 0);
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "terminate.model-answer",
    title: "an answer that ends the run starts none of its calls",
    run: async (world) => {
      const box = new ToolBox();
      const rule: Rule = { name: "stop", on: "llm.after", effect: { type: "block", control: "TERMINATE" } };
      const model = new ScriptedModel([{ say: "x", calls: [["send"]] }, { say: "never" }]);
      const outcome = await world.run({ hb: world.client({ rules: [rule] }), model, tools: [box.tool("send")] });
      expectDone(outcome);
      expectEqual("executed", box.names, []);
      expectEqual("model requests", model.requests.length, 1);
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "terminate.lockdown",
    title: "a lockdown in the middle of a tool aborts it, and nothing of the run starts any more",
    run: async (world) => {
      const plane = world.plane();
      const hb = world.connectedClient();
      await world.drive(hb.ready());
      let wasAborted = false;
      const box = new ToolBox();
      const slow = box.tool("slow", (_: unknown, { signal }: { readonly signal: AbortSignal | undefined }) => {
        plane.addLockdown({ scope: { kind: "agent", slug: "contract" } });
        return untilAborted(signal, () => {
          wasAborted = true;
        });
      });
      const model = new ScriptedModel([{ calls: [["slow"]] }, { calls: [["slow"]] }]);
      const outcome = await world.run({ hb, model, tools: [slow] });
      expectDone(outcome);
      expectTrue("the running tool was aborted", wasAborted);
      expectEqual("executed", box.names, ["slow"]);
      expectEqual("model requests", model.requests.length, 1);
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "terminate.model-in-flight",
    title: "a lockdown while the model answers aborts the request, and the caller sees no exception",
    run: async (world) => {
      const plane = world.plane();
      const hb = world.connectedClient();
      await world.drive(hb.ready());
      let wasAborted = false;
      const box = new ToolBox();
      const model = new ScriptedModel([
        {
          calls: [["send"]],
          after: async ({ signal }) => {
            plane.addLockdown({ scope: { kind: "agent", slug: "contract" } });
            await untilAborted(signal, () => {
              wasAborted = true;
            });
            signal?.throwIfAborted();
          },
        },
      ]);
      const outcome = await world.run({ hb, model, tools: [box.tool("send")] });
      expectDone(outcome);
      expectTrue("the request was aborted", wasAborted);
      expectEqual("executed", box.names, []);
      expectRunEnded(world, "interrupted");
    },
  },
];
