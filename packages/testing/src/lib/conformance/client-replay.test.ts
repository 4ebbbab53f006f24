import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Handlebar, type Sink } from "@handlebar/core";
import { prepareExpressions } from "@handlebar/engine/check";
import { createReplay, type ReplayDecision } from "@handlebar/policies";
import type { AuditEvent } from "@handlebar/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { namesIn, whyNotAskable } from "./client-case.fixture.ts";
import { ClientWorld } from "./client-world.fixture.ts";
import { type ConformanceCase, type ConformanceStep, conformanceFileSchema } from "./conformance-case.ts";

const FOLDER = fileURLToPath(new URL("../../../../../spec/conformance/", import.meta.url));
const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .flatMap((file) => conformanceFileSchema.parse(JSON.parse(readFileSync(`${FOLDER}${file}`, "utf8"))).cases)
  .filter((one) => one.refused === undefined && whyNotAskable(one) === undefined);

/** No record has what the host's own functions said: a replay names them among its gaps. */
const asksHost = ({ policies }: ConformanceCase): boolean =>
  namesIn(policies, "signal").length + namesIn(policies, "custom").length > 0;

/** What a client of the SDK records in a case. */
async function record(source: ConformanceCase): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = [];
  const sink: Sink = { write: (event) => void events.push(event) };
  const world = await ClientWorld.open(source, prepareExpressions(source.policies).policies, sink);
  for (const step of source.steps) await take(world, step);
  await world.close();
  return events;
}

async function take(world: ClientWorld, step: ConformanceStep): Promise<void> {
  switch (step.do) {
    // The run was given every prompt when it started.
    case "prompt":
      return;
    case "advance":
      return world.advance(step.ms);
    case "change":
      // The schema has checked each field; a partial one has no `undefined` of its own in JSON.
      return world.change(step.given as Parameters<ClientWorld["change"]>[0]);
    case "run":
      return world.startRun(step.run);
    case "decide":
      return void (await world.decide(step));
    case "result": {
      const { callId, result, error, durationMs, metrics } = step;
      const call = world.callOf(callId) ?? expect.fail(`no call ${callId}`);
      await world.decide({ phase: "tool.after", call: { ...call, result, error, durationMs }, metrics });
    }
  }
}

/** Decisions as they were recorded; what was decided about results is there where a rule was asked. */
function recordedIn(events: readonly AuditEvent[]): readonly ReplayDecision[] {
  return events.flatMap(({ runId, ...event }): readonly ReplayDecision[] => {
    switch (event.kind) {
      case "tool.decision":
        return [{ phase: "tool.before", runId, callId: event.data.callId, decision: event.data }];
      case "llm.decision":
        return [{ phase: "llm.before", runId, callId: event.data.callId, decision: event.data }];
      case "tool.result":
      case "llm.result": {
        const { callId, decision } = event.data;
        const phase = event.kind === "tool.result" ? "tool.after" : "llm.after";
        return decision === undefined ? [] : [{ phase, runId, callId, decision }];
      }
      default:
        return [];
    }
  });
}

/** No policy decided it, or what it was decided about was withheld from the record too. */
function isComparable({ phase, decision: { cause, shadow, verdict } }: ReplayDecision): boolean {
  const causes = [cause.kind, shadow?.cause.kind];
  if (causes.includes("LOCKDOWN") || causes.includes("RUN_ENDED")) return false;
  return phase.endsWith(".before") || verdict === "ALLOW";
}

const keyOf = ({ phase, runId, callId }: ReplayDecision): string => `${phase} ${runId} ${callId}`;

/** What a decision says, and would say if what is in shadow were enforced. Ids of approvals are the client's own. */
function gist(decided: ReplayDecision): object {
  const { decision } = decided;
  const { verdict, control, cause, finalRuleId } = decision.shadow ?? decision;
  const { approvalId: _, ...why } = { approvalId: undefined, ...cause };
  const rules = decision.evaluatedRules.map(({ ruleId, outcome, violated }) => [ruleId, outcome, violated]);
  // An `allow` that decides is named only where it is enforced.
  const ruleId = verdict === "ALLOW" ? undefined : finalRuleId;
  return { of: keyOf(decided), verdict, control, cause: why, ruleId, rules };
}

/** All of it, where the client enforced. */
function whole(decided: ReplayDecision): object {
  const { evaluatedRules, finalRuleId, redactions, shadow, verdict } = decided.decision;
  return { ...gist(decided), evaluatedRules, finalRuleId, redactions, shadow, verdict };
}

// The list of prices is loaded from disk once, which fake time would not wait for, and only where somebody is told of costs.
beforeAll(async () => {
  const runtime = { env: () => undefined };
  const hb = Handlebar.init({
    agent: { slug: "first" },
    enforceMode: "off",
    sinks: [{ write: () => undefined }],
    runtime,
  });
  await hb.startRun().afterLlm({});
  await hb.shutdown();
});

describe("a replay of what a client recorded", () => {
  const replayable = cases.filter((one) => !asksHost(one));

  it("can be asked for nearly every case that a client can", () => {
    expect(replayable.length / cases.length).toBeGreaterThan(0.9);
  });

  it.each(replayable.map((one) => [one.section, one.title, one] as const))(
    "decides as the client did: [SPEC %s] %s",
    async (_section, _title, source) => {
      const events = await record(source);
      const decided: ReplayDecision[] = [];
      const replay = createReplay(prepareExpressions(source.policies).policies, {
        failClosed: source.options?.failClosed,
        onDecided: (one) => decided.push(one),
      });
      for (const event of events) replay.feedEvent(event);
      const recorded = recordedIn(events).filter(isComparable);
      const compared = new Set(recorded.map(keyOf));
      const show = source.options?.enforceMode === "shadow" ? gist : whole;
      expect(decided.filter((one) => compared.has(keyOf(one))).map(show)).toEqual(recorded.map(show));
      expect(replay.report().gaps).toMatchObject({ lostEvents: 0, cutRuns: 0 });
    },
  );

  it("has something to compare in most cases", async () => {
    const counts = await Promise.all(
      replayable.map(async (one) => recordedIn(await record(one)).filter(isComparable).length),
    );
    expect(counts.filter((count) => count > 0).length / counts.length).toBeGreaterThan(0.9);
  });
});
