import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Handlebar } from "@handlebar/core";
import { prepareExpressions } from "@handlebar/engine/check";
import { beforeAll, describe, expect, it } from "vitest";
import { whyNotAskable } from "./client-case.fixture.ts";
import { ClientWorld } from "./client-world.fixture.ts";
import { type ConformanceFailure, compareDecision } from "./compare-decision.ts";
import { type ConformanceCase, type ConformanceStep, conformanceFileSchema } from "./conformance-case.ts";

const FOLDER = fileURLToPath(new URL("../../../../../spec/conformance/", import.meta.url));
const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .flatMap((file) => conformanceFileSchema.parse(JSON.parse(readFileSync(`${FOLDER}${file}`, "utf8"))).cases);
const askable = cases.filter((one) => whyNotAskable(one) === undefined);

async function failuresOf(source: ConformanceCase): Promise<readonly ConformanceFailure[]> {
  const { policies } = prepareExpressions(source.policies);
  const world = await ClientWorld.open(source, policies);
  const failures: ConformanceFailure[] = [];
  for (const [step, one] of source.steps.entries()) {
    failures.push(...(await doStep(world, one)).map((failure) => ({ step, ...failure })));
  }
  await world.close();
  return failures;
}

async function doStep(world: ClientWorld, step: ConformanceStep): Promise<readonly ConformanceFailure[]> {
  switch (step.do) {
    // The run was given every prompt when it started.
    case "prompt":
      return [];
    case "advance":
      await world.advance(step.ms);
      return [];
    case "change":
      // The schema has checked each field; a partial one has no `undefined` of its own in JSON.
      await world.change(step.given as Parameters<ClientWorld["change"]>[0]);
      return [];
    case "run":
      world.startRun(step.run);
      return [];
    case "decide":
      return compareDecision(step.expect, await world.decide(step));
    case "result": {
      const { callId, result, error, durationMs, metrics, expect: expected = { verdict: "ALLOW" } } = step;
      const call = world.callOf(callId) ?? expect.fail(`no call ${callId}`);
      const asked = { phase: "tool.after", call: { ...call, result, error, durationMs }, metrics } as const;
      return compareDecision(expected, await world.decide(asked));
    }
  }
}

// The list of prices is loaded from disk once, which fake time would not wait for, and only where somebody is told of costs.
beforeAll(async () => {
  const hb = Handlebar.init({
    agent: { slug: "first" },
    enforceMode: "off",
    sinks: [{ write: () => undefined }],
    runtime: { env: () => undefined },
  });
  await hb.startRun().afterLlm({});
  await hb.shutdown();
});

describe("a client of the SDK and the conformance suite", () => {
  it("can be asked most cases", () => {
    const reasons = cases.map(whyNotAskable).filter((why) => why !== undefined);
    expect(askable.length + reasons.length).toBe(cases.length);
    expect(askable.length / cases.length).toBeGreaterThan(0.8);
  });

  it.each(askable.filter((one) => one.refused === undefined).map((one) => [one.section, one.title, one] as const))(
    "[SPEC %s] %s",
    async (_section, _title, one) => {
      expect(await failuresOf(one)).toEqual([]);
    },
  );

  it.each(askable.flatMap((one) => (one.refused === undefined ? [] : [[one.section, one.title, one] as const])))(
    "[SPEC %s] %s",
    async (_section, _title, one) => {
      const { issues, policies } = prepareExpressions(one.policies);
      if (issues.length > 0) return expect(one.refused?.code).toBe("HB_POLICY_EXPR_INVALID");
      const opened = await ClientWorld.open(one, policies).then(
        () => "opened",
        (error: unknown) => error,
      );
      expect(opened).toMatchObject({ code: one.refused?.code });
    },
  );
});
