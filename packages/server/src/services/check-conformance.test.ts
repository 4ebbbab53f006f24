import { type Approval, type CheckBody, checkBodySchema, type Decision } from "@handlebar/protocol";
import type { ConformanceCase } from "@handlebar/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLog } from "../life/logger.ts";
import { processRuntime } from "../life/process-runtime.ts";
import type { Store } from "../storage/store.ts";
import { isPostgresRun, openTestStore } from "../storage/test-store.test-support.ts";
import { CheckService } from "./check-service.ts";
import {
  CASE_NOW_MS,
  conformanceCases,
  engineDecisions,
  serverDecisions,
  timelessCases,
} from "./conformance.fixture.ts";
import { StorePlane } from "./conformance-plane.fixture.ts";
import { RunMemory } from "./run-memory.ts";
import type { ServerRuntime } from "./server-runtime.ts";
import { createServices, type Services } from "./services.ts";
import { type SharedCall, SharedWindows, type WindowCall } from "./shared-windows.ts";

let nowMs = CASE_NOW_MS;
const runtime: ServerRuntime = { ...processRuntime(), nowMs: () => nowMs };
let store: Store;
let services: Services;

beforeAll(async () => {
  store = await openTestStore(isPostgresRun() ? {} : { nowMs: () => nowMs });
  services = createServices({ store, runtime, log: createLog("silent") });
  await services.start();
});

afterAll(async () => {
  await services.stop();
  await store.close();
});

/** Every case; on PostgreSQL, where each takes longer, some. */
const cases = isPostgresRun() ? timelessCases(10) : conformanceCases();

/** A plane over a check service of its own, in which readings and approvals that a case gives stand in place of the store's. */
function planeFor({ id }: ConformanceCase): StorePlane {
  const workspaceId = `case-${id}`;
  const real = new SharedWindows({ store, runtime });
  const service = new CheckService({
    runtime,
    states: services.states,
    agents: services.agents,
    approvals: {
      claim: (_, request) => Promise.resolve(approvalOf(plane, request)),
      standing: () => Promise.resolve(approvalOf(plane, {})),
    },
    memory: new RunMemory({ store, runtime }),
    windows: { open: (call) => windowsOf(plane, real, call) },
  });
  const check = async (body: CheckBody): Promise<Decision> => {
    const [decision] = await service.check(workspaceId, checkBodySchema.parse(body));
    return decision ?? expect.fail("no decision");
  };
  const setTime = (atMs: number): void => {
    nowMs = atMs;
  };
  const plane: StorePlane = new StorePlane({ workspaceId, store, runtime, services, setTime, check });
  return plane;
}

function approvalOf({ approval }: StorePlane, request: object): Approval {
  const times = { requestedAt: "2026-01-05T12:00:00Z", expiresAt: "2026-01-05T13:00:00Z" };
  const { instead, ...held } = approval ?? {};
  const edited = instead === undefined ? {} : { edited: { approvalId: "edited", args: instead } };
  // The case says what the control plane holds for this call.
  return { ...request, ...times, ...held, ...edited } as Approval;
}

function windowsOf({ shared = "counted" }: StorePlane, real: SharedWindows, call: WindowCall): SharedCall {
  if (shared === "counted") return real.open(call);
  const readings = shared === "unavailable" ? [] : shared;
  return {
    read: () =>
      Promise.resolve({
        read: ({ key }) => {
          const found = readings.find(({ ruleId, index = 0 }) => ruleId === key.ruleId && index === key.index);
          if (found === undefined) return undefined;
          return { value: found.value, used: found.used, resetAtMs: found.resetAtMs };
        },
      }),
    take: () => Promise.resolve(true),
    add: () => Promise.resolve(),
  };
}

describe("the check service and the engine", () => {
  it.each(cases.map((one) => [one.section, one.title, one] as const))(
    "decide the same: [SPEC %s] %s",
    async (_section, _title, one) => {
      expect(await serverDecisions(one, planeFor(one))).toEqual(engineDecisions(one));
    },
  );
});
