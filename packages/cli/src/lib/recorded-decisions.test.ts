import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Handlebar, type HandlebarClient, type HandlebarConfig } from "@handlebar/core";
import { createReplay, parseTools, type ReplayDecision } from "@handlebar/policies";
import { loadPolicyFiles } from "@handlebar/policies/node";
import { packFile } from "@handlebar/policies/packs";
import { type AuditEvent, type Decision, eventListSchema, type Policy, replayAnswerSchema } from "@handlebar/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";

const DATA = fileURLToPath(new URL("../../../../../shared/data/", import.meta.url));
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

interface Row {
  readonly run_id: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: unknown;
  readonly prompt?: string;
}

interface Traffic {
  readonly name: string;
  readonly file: string;
  readonly policies: readonly Policy[];
  readonly tools?: HandlebarConfig["tools"];
}

const TRAFFIC: readonly Traffic[] = [
  {
    name: "an airline's",
    file: `${DATA}tau-bench/airline-gpt4o.jsonl`,
    policies: loadPolicyFiles(fixture("airline.yaml")),
  },
  {
    name: "a bank's, with injections",
    file: `${DATA}agentdojo/banking.jsonl`,
    policies: loadPolicyFiles(fileURLToPath(packFile("data-exfiltration"))),
    tools: parseTools(readFileSync(fixture("agentdojo-tools.yaml"), "utf8")),
  },
];

function runsOf(file: string): readonly (readonly Row[])[] {
  const runs = new Map<string, Row[]>();
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const row = JSON.parse(line) as Row;
    runs.set(row.run_id, [...(runs.get(row.run_id) ?? []), row]);
  }
  return [...runs.values()];
}

/** What every way of deciding must agree on. */
function gist({ verdict, control, cause, evaluatedRules, finalRuleId, redactions }: Decision): object {
  const { approvalId: _, ...why } = { approvalId: undefined, ...cause };
  return { verdict, control, cause: why, evaluatedRules, finalRuleId, redactions };
}

const clients: HandlebarClient[] = [];
let plane: TestControlPlane | undefined;

afterEach(async () => {
  await Promise.all(clients.splice(0).map((hb) => hb.shutdown()));
  await plane?.stop();
});

/** What an agent is told that proposes the calls of a record: its tools return what they returned then, where they are let through. */
async function decisionsOf(
  control: TestControlPlane,
  { tools }: Traffic,
  given: { readonly runs: readonly (readonly Row[])[]; readonly evaluation: "local" | "remote" },
): Promise<readonly object[]> {
  const { runs, evaluation } = given;
  const hb = Handlebar.init({
    agent: { slug: evaluation },
    apiKey: control.agentKey,
    endpoint: control.origin,
    evaluation,
    capture: { messages: "full", args: "full", results: "full" },
    ...(tools === undefined ? {} : { tools }),
  });
  clients.push(hb);
  await hb.ready();
  const decided = await Promise.all(runs.map((rows) => decideRun(hb, evaluation, rows)));
  await hb.shutdown();
  return decided.flat();
}

async function decideRun(hb: HandlebarClient, evaluation: string, rows: readonly Row[]): Promise<readonly object[]> {
  const [{ run_id = "", prompt } = {}] = rows;
  const run = hb.startRun({ runId: `${evaluation} ${run_id}`, ...(prompt === undefined ? {} : { prompt }) });
  const decisions: object[] = [];
  for (const { tool, args, result, error } of rows) {
    const decision = await run.beforeTool({ name: tool, args });
    decisions.push({ run_id, tool, ...gist(decision) });
    if (decision.verdict === "BLOCK") continue;
    const after = await run.afterTool(decision, error === undefined || error === null ? { result } : { error });
    decisions.push({ run_id, tool, ...gist(after) });
  }
  await run.end("success");
  return decisions;
}

/** What the control plane stored of an agent, in its order. */
async function storedOf(control: TestControlPlane, agent: string): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = [];
  let cursor = "";
  do {
    const page = eventListSchema.parse(await control.call("GET", `/v1/events?agent=${agent}&limit=1000${cursor}`));
    // What was stored is what the schema of events let through.
    events.push(...(page.events as unknown as AuditEvent[]));
    cursor = page.nextCursor === undefined ? "" : `&cursor=${encodeURIComponent(page.nextCursor)}`;
  } while (cursor !== "");
  return events.sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
}

describe.skipIf(!TRAFFIC.every(({ file }) => existsSync(file)))("on recorded traffic", () => {
  it.each(TRAFFIC.map((traffic) => [traffic.name, traffic] as const))(
    "client, server and replay decide the same: %s",
    async (_name, traffic) => {
      const control = await startControlPlane();
      plane = control;
      await control.call("PUT", "/v1/policies", { policies: traffic.policies });
      const since = new Date().toISOString();
      const runs = runsOf(traffic.file);
      const local = await decisionsOf(control, traffic, { runs, evaluation: "local" });
      const remote = await decisionsOf(control, traffic, { runs, evaluation: "remote" });
      expect(local.length).toBeGreaterThan(runs.length);
      expect(remote).toEqual(local);

      const events = await storedOf(control, "local");
      const decided: ReplayDecision[] = [];
      const again = createReplay(traffic.policies, { onDecided: (one) => decided.push(one) });
      for (const event of events) again.feedEvent(event);
      const recorded = events.filter((event) => event.kind === "tool.decision");
      const replayed = new Map(decided.filter(({ phase }) => phase === "tool.before").map((one) => [one.callId, one]));
      expect(replayed.size).toBe(recorded.length);
      // No policy decided what came after the end of a run.
      const compared = recorded.filter(({ data }) => data.cause.kind !== "RUN_ENDED");
      expect(compared.map(({ data }) => gist(replayed.get(data.callId)?.decision ?? expect.fail()))).toEqual(
        compared.map(({ data }) => gist(data)),
      );

      for (const agent of ["local", "remote"]) {
        const body = { policies: [], since, agent };
        const { report } = replayAnswerSchema.parse(await control.call("POST", "/v1/policies/replay", body));
        if (agent === "local") expect(report).toEqual(JSON.parse(JSON.stringify(again.report())));
        expect(report.changed).toEqual({ stricter: 0, milder: 0, examples: [] });
        expect([report.runs, report.calls]).toEqual([runs.length, recorded.length]);
      }
    },
  );
});
