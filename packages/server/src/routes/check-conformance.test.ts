import { type CheckBody, checkAnswerSchema, type Decision } from "@handlebar/protocol";
import type { ConformanceCase } from "@handlebar/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processRuntime } from "../life/process-runtime.ts";
import {
  CASE_NOW_MS,
  conformanceCases,
  engineDecisions,
  serverDecisions,
  timelessCases,
} from "../services/conformance.fixture.ts";
import { StorePlane } from "../services/conformance-plane.fixture.ts";
import { isPostgresRun, openTestStore } from "../storage/test-store.test-support.ts";
import { startTestServer, type TestServer } from "../test-server.test-support.ts";

let nowMs = CASE_NOW_MS;
let server: TestServer;

beforeAll(async () => {
  const clock = (): number => nowMs;
  const store = await openTestStore(isPostgresRun() ? {} : { nowMs: clock });
  server = await startTestServer({ store, runtime: { ...processRuntime(), nowMs: clock } });
});

afterAll(() => server.stop());

/** A case that gives readings or approvals of its own cannot be asked over the network: there the server has its own. */
function isAskable({ given, steps }: ConformanceCase): boolean {
  const worlds = [given, ...steps.flatMap((step) => (step.do === "change" ? [step.given] : []))];
  return worlds.every(({ shared = "counted", approval }) => shared === "counted" && approval === undefined);
}

const cases = isPostgresRun() ? timelessCases(25) : conformanceCases();
const askable = cases.filter(isAskable);

function planeFor({ id }: ConformanceCase, key: string): StorePlane {
  const check = async (body: CheckBody): Promise<Decision> => {
    const answer = await server.call("POST", "/v1/agents/check", { body, key });
    if (answer.status !== 200) expect.fail(JSON.stringify(answer.body));
    const [decision] = checkAnswerSchema.parse(answer.body).decisions;
    return decision ?? expect.fail("no decision");
  };
  const setTime = (atMs: number): void => {
    nowMs = atMs;
  };
  const { store, runtime, services } = server;
  return new StorePlane({ workspaceId: `case-${id}`, store, runtime, services, setTime, check });
}

describe("POST /v1/agents/check and the engine", () => {
  it("can be asked most cases", () => {
    expect(askable.length / cases.length).toBeGreaterThan(0.9);
  });

  it.each(askable.map((one) => [one.section, one.title, one] as const))(
    "decide the same: [SPEC %s] %s",
    async (_section, _title, one) => {
      const key = await server.keyFor(["check"], `case-${one.id}`);
      const decisions = await serverDecisions(one, planeFor(one, key));
      expect(decisions).toEqual(JSON.parse(JSON.stringify(engineDecisions(one))));
    },
  );
});
