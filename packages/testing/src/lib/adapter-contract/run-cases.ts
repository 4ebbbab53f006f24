import { getCurrentRun, withRun } from "@handlebar/core";
import { ExpectationError, expectEqual } from "../contract-case.ts";
import type { AgentOutcome } from "./adapter-subject.ts";
import type { CaseBody } from "./contract-case-body.ts";
import type { ContractWorld } from "./contract-world.ts";
import { expectComplete, expectDone, expectRunEnded, Gate, ToolBox } from "./expectations.ts";
import { ScriptedModel } from "./scripted-model.ts";

const IDLE_TTL_MS = 3_600_000;

/** The outcome of an error, as far as two runs can be compared. */
function failureOf({ status, error }: AgentOutcome): object {
  return { status, error: error instanceof Error ? { name: error.name, message: error.message } : String(error) };
}

async function sameFailure(world: ContractWorld, makeModel: () => ScriptedModel): Promise<void> {
  const box = new ToolBox();
  const tools = [box.tool("read")];
  const alone = await world.run({ model: makeModel(), tools });
  const governed = await world.run({ hb: world.client(), model: makeModel(), tools });
  expectEqual("the failure under policy", failureOf(governed), failureOf(alone));
  expectRunEnded(world, "error");
}

export const RUN_CASES: readonly CaseBody[] = [
  {
    id: "run.success",
    title: "a run starts with the agent and ends once, as success",
    run: async (world) => {
      const box = new ToolBox();
      const model = new ScriptedModel([{ calls: [["read"]] }, { say: "finished" }]);
      const start = { actor: { externalId: "u_1" }, sessionId: "s_1", tags: { channel: "mail" } };
      const outcome = await world.run({ hb: world.client(), model, tools: [box.tool("read")], start });
      expectDone(outcome);
      expectRunEnded(world, "success");
      const [started] = world.eventsOf("run.started");
      expectEqual(
        "whom it is for",
        [started?.data.actor, started?.sessionId, started?.data.tags],
        [start.actor, start.sessionId, start.tags],
      );
    },
  },
  {
    id: "run.error",
    title: "a model's error reaches the caller as without us, and the run ends as error",
    run: (world) => sameFailure(world, () => new ScriptedModel([{ throws: new RangeError("no such model") }])),
  },
  {
    id: "run.error-late",
    title: "an error in a later step reaches the caller as without us, and the run ends once, as error",
    run: (world) =>
      sameFailure(world, () => new ScriptedModel([{ calls: [["read"]] }, { throws: new RangeError("out of quota") }])),
  },
  {
    id: "run.error-mid-stream",
    title: "a stream that breaks in the middle fails for the caller as without us, and the run ends once, as error",
    fits: (mode) => mode.streams,
    run: (world) => sameFailure(world, () => new ScriptedModel([{ say: ["a", "b"], failsAfter: new Error("cut") }])),
  },
  {
    id: "run.abort",
    title: "a caller that aborts ends the run as interrupted, and no model request follows",
    run: async (world) => {
      const play = async (hb: ReturnType<typeof world.client> | undefined) => {
        const controller = new AbortController();
        const box = new ToolBox();
        const model = new ScriptedModel([{ calls: [["read"]] }, { say: "never" }]);
        const read = box.tool("read", () => {
          controller.abort();
          return "read";
        });
        const outcome = await world.run({ hb, model, tools: [read], signal: controller.signal });
        return { status: outcome.status, requests: model.requests.length };
      };
      const alone = await play(undefined);
      const governed = await play(world.client());
      expectEqual("the outcome under policy", governed, { ...alone, requests: 1 });
      expectRunEnded(world, "interrupted");
    },
  },
  {
    id: "run.abandoned",
    title: "a stream that its caller leaves ends its run once",
    fits: (mode) => mode.streams,
    run: (world) => expectEndsWhenLeft(world, "break"),
  },
  {
    id: "run.unread",
    title: "a stream that nobody reads leaves no run open",
    fits: (mode) => mode.streams,
    run: (world) => expectEndsWhenLeft(world, "never"),
  },
  {
    id: "run.joined",
    title: "an agent called inside a run joins it and leaves its end to who started it",
    run: async (world) => {
      const hb = world.client();
      const box = new ToolBox();
      const own = hb.startRun();
      const model = new ScriptedModel([{ calls: [["read"]] }]);
      const outcome = await withRun(own, () => world.run({ hb, model, tools: [box.tool("read")] }));
      expectDone(outcome);
      expectEqual("runs of the events", [...new Set(world.events.map(({ runId }) => runId))], [own.runId]);
      expectEqual("runs ended", world.eventsOf("run.ended").length, 0);
      await own.end();
      expectRunEnded(world, "success");
    },
  },
  {
    id: "run.current",
    title: "a tool's code finds its run as the current one",
    run: async (world) => {
      const seen: (string | undefined)[] = [];
      const box = new ToolBox();
      const read = box.tool("read", async () => {
        seen.push(getCurrentRun()?.runId);
        await Promise.resolve();
        seen.push(getCurrentRun()?.runId);
        return 1;
      });
      const model = new ScriptedModel([{ calls: [["read"]] }]);
      await world.run({ hb: world.client(), model, tools: [read] });
      const runId = world.eventsOf("run.started")[0]?.runId;
      expectEqual("the current run", seen, [runId, runId]);
    },
  },
  {
    id: "run.concurrent",
    title: "agents that run at once do not mix their runs",
    run: async (world) => {
      const hb = world.client();
      const ready = [new Gate(), new Gate()] as const;
      const seen: Record<string, string | undefined> = {};
      const play = (name: string, mine: Gate, other: Gate) => {
        const box = new ToolBox();
        const tool = box.tool(name, async () => {
          mine.open();
          await other.opened;
          seen[name] = getCurrentRun()?.runId;
          return name;
        });
        return world.subject.run(
          world.plan({ hb, model: new ScriptedModel([{ calls: [[name]] }]), tools: [tool], start: { tags: { name } } }),
        );
      };
      const both = Promise.all([play("left", ready[0], ready[1]), play("right", ready[1], ready[0])]);
      for (const outcome of await world.drive(both)) expectDone(outcome);
      for (const started of world.eventsOf("run.started")) {
        const name = started.data.tags?.["name"] ?? "";
        const tools = world.eventsOf("tool.result").filter(({ runId }) => runId === started.runId);
        expectEqual(
          `tools of ${name}`,
          tools.map(({ data }) => data.tool.name),
          [name],
        );
        expectEqual(`the current run in ${name}`, seen[name], started.runId);
      }
      expectEqual("runs ended", world.eventsOf("run.ended").length, 2);
      expectComplete(world);
    },
  },
  {
    id: "run.step-bound",
    title: "the framework's own bound of steps holds as without us, and the run ends once",
    run: async (world) => {
      const lines = Array.from({ length: 6 }, () => ({ calls: [["read"]] as const }));
      const play = async (hb: ReturnType<typeof world.client> | undefined) => {
        const box = new ToolBox();
        const model = new ScriptedModel(lines);
        const outcome = await world.run({ hb, model, tools: [box.tool("read")], stepCountMax: 2 });
        return { status: outcome.status, executed: box.names, requests: model.requests.length };
      };
      const alone = await play(undefined);
      expectEqual("what happens under policy", await play(world.client()), alone);
      expectEqual("runs ended", world.eventsOf("run.ended").length, 1);
    },
  },
];

async function expectEndsWhenLeft(world: ContractWorld, consume: "break" | "never"): Promise<void> {
  const box = new ToolBox();
  const hb = world.client({ idleTtlMs: IDLE_TTL_MS });
  const model = new ScriptedModel([{ say: ["one ", "two "], calls: [["read"]] }, { say: ["three ", "four"] }]);
  const outcome = await world.run({ hb, model, tools: [box.tool("read")], consume });
  expectEqual("the outcome", outcome.status, "left");
  for (let time = 0; time < 3; time++) await world.sim.clock.advance(IDLE_TTL_MS);
  const started = world.eventsOf("run.started").length;
  if (started > 1) throw new ExpectationError("runs started", started, "at most one");
  expectEqual("runs ended", world.eventsOf("run.ended").length, started);
}
