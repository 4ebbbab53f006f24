import { Handlebar } from "@handlebar/core";
import { httpSink } from "@handlebar/core/sinks";
import {
  ackBodySchema,
  agentStateSchema,
  auditEventSchema,
  budgetBodySchema,
  createApprovalBodySchema,
  ERROR_CODES,
  EVENT_KINDS,
  endRunBodySchema,
  eventEnvelopeSchema,
  ingestAnswerSchema,
  ingestBodySchema,
  type Policy,
  problemSchema,
  registerAgentAnswerSchema,
  registerAgentBodySchema,
  startRunBodySchema,
} from "@handlebar/protocol";
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import type { RecordedRequest } from "./recorded-request.ts";
import { createScriptedControlPlane } from "./scripted-control-plane.ts";
import { createSimRuntime } from "./sim-runtime.ts";

const API = "https://api.test";
const POLICIES: readonly Policy[] = [
  {
    id: "p",
    name: "p",
    rules: [
      { id: "hold", name: "hold", on: "tool.before", tool: { name: "wire" }, effect: { type: "hitl" } },
      {
        id: "cap",
        name: "cap",
        on: "tool.before",
        when: { kind: "maxCalls", scope: "agent", max: 9, windowSeconds: 60 },
        effect: { type: "block" },
      },
    ],
  },
];
/** Every character that means something in a URL. */
const RUN_ID = "run/1?a=b#c &%25+é";

const BODIES: readonly (readonly [method: string, path: RegExp, body: z.ZodType | undefined])[] = [
  ["PUT", /^\/v1\/agents$/, registerAgentBodySchema],
  ["GET", /^\/v1\/agents\/[^/]+\/(state|stream)$/, undefined],
  ["POST", /^\/v1\/agents\/[^/]+\/ack$/, ackBodySchema],
  ["POST", /^\/v1\/agents\/[^/]+\/metrics\/budget$/, budgetBodySchema],
  ["POST", /^\/v1\/runs\/events$/, ingestBodySchema],
  ["POST", /^\/v1\/runs\/[^/]+\/start$/, startRunBodySchema],
  ["POST", /^\/v1\/runs\/[^/]+\/end$/, endRunBodySchema],
  ["POST", /^\/v1\/approvals$/, createApprovalBodySchema],
  ["GET", /^\/v1\/approvals\/[^/]+$/, undefined],
];

/** A client that does everything that takes a request, and what it asked. */
async function session() {
  const sim = createSimRuntime("contract");
  const plane = createScriptedControlPlane(sim.runtime, { policies: POLICIES });
  sim.network.serve(API, plane.handler);
  const { runtime } = sim;
  const hb = Handlebar.init({
    agent: { slug: "support" },
    apiKey: "hb_key",
    endpoint: API,
    runtime,
    sinks: [httpSink({ endpoint: API, apiKey: "hb_key", runtime, compress: false })],
  });
  const run = hb.startRun({ runId: RUN_ID, actor: { externalId: "u_1" }, prompt: "read it" });
  const read = await sim.clock.runUntil(run.beforeTool({ name: "read", args: { n: 1 } }));
  await sim.clock.runUntil(run.afterTool(read, { result: "text" }));
  const held = run.beforeTool({ name: "wire", args: { to: "A" }, approvalWaitMs: 60_000 });
  await sim.clock.runUntil(() => plane.approvals().length === 1);
  plane.resolveApproval(plane.approvals()[0]?.approvalId ?? "", { status: "approved", by: "ada" });
  await sim.clock.runUntil(held);
  await sim.clock.runUntil(run.end());
  await sim.clock.runUntil(hb.shutdown());
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    sim.clock.runUntil(
      runtime.fetch(`${API}${path}`, {
        method,
        headers: { authorization: "Bearer hb_key", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      60_000,
    );
  return { sim, plane, requests: [...sim.network.requests], send };
}

function routeOf({ method, path }: RecordedRequest): (typeof BODIES)[number] | undefined {
  return BODIES.find(([verb, pattern]) => verb === method && pattern.test(path));
}

describe("what a client asks of a control plane", () => {
  it("[SPEC 11.1] carries the key and a body of the documented form on a documented route", async () => {
    const { requests } = await session();
    for (const request of requests) {
      const route = routeOf(request);
      expect(route, `${request.method} ${request.path}`).toBeDefined();
      expect(request.headers["authorization"]).toBe("Bearer hb_key");
      const body = route?.[2];
      if (body === undefined) expect(request.text).toBe("");
      else expect(body.safeParse(JSON.parse(request.text)).error).toBeUndefined();
      if (body !== undefined) expect(request.headers["content-type"]).toBe("application/json");
    }
    const asked = BODIES.filter((route) => requests.some((request) => routeOf(request) === route));
    expect(asked).toEqual(BODIES);
  });

  it("[SPEC 11.2] encodes ids in the path, whatever is in them", async () => {
    const { plane, requests } = await session();
    const started = requests.filter(({ path }) => path.endsWith("/start"));
    expect(started.map(({ path }) => path)).toEqual([`/v1/runs/${encodeURIComponent(RUN_ID)}/start`]);
    expect(plane.runs()).toMatchObject([{ runId: RUN_ID }]);
  });
});

describe("what a control plane answers", () => {
  it("[SPEC 11.3] refuses with a problem that has a registered code and names the field", async () => {
    const { send } = await session();
    const codes: readonly string[] = Object.keys(ERROR_CODES);
    for (const [method, path, body] of [
      ["PUT", "/v1/agents", { slug: "not a slug" }],
      ["GET", "/v1/agents/nobody/state", undefined],
      ["POST", "/v1/runs/events", { events: "none" }],
    ] as const) {
      const answer = await send(method, path, body);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      const problem = problemSchema.parse(await answer.json());
      expect(problem.status).toBe(answer.status);
      expect(codes).toContain(problem.code);
      if (method === "PUT") expect(problem.field).toBe("slug");
    }
  });

  it("[SPEC 11.4] registers the same agent for the same slug, with its whole state", async () => {
    const { plane, send } = await session();
    const answers = [];
    for (let n = 0; n < 2; n++) answers.push(await (await send("PUT", "/v1/agents", { slug: "support" })).json());
    const [first, second] = answers.map((answer) => registerAgentAnswerSchema.parse(answer));
    expect([second?.agentId, second?.state.policies]).toEqual([first?.agentId, POLICIES]);
    expect(first?.state.policies).toEqual(POLICIES);
    expect(plane.agents().length).toBe(1);
  });

  it("[SPEC 11.5] says 304 to who has the revision, and holds a poll until there is another", async () => {
    const { sim, plane, send } = await session();
    const { agentId } = registerAgentAnswerSchema.parse(
      await (await send("PUT", "/v1/agents", { slug: "support" })).json(),
    );
    const path = `/v1/agents/${encodeURIComponent(agentId)}/state`;
    const answer = await send("GET", path, undefined);
    const etag = answer.headers.get("etag") ?? "";
    expect(etag).toBe(`"${agentStateSchema.parse(await answer.json()).revision}"`);
    expect((await send("GET", path, undefined, { "if-none-match": etag })).status).toBe(304);
    sim.clock.timers.set(() => plane.setPolicies([]), 5_000);
    const held = await send("GET", `${path}?wait=20`, undefined, { "if-none-match": etag });
    expect([held.status, held.headers.get("etag")]).toEqual([200, `"${plane.revision}"`]);
  });

  it("[SPEC 11.6] takes each event once, and answers for each", async () => {
    const { plane, requests, send } = await session();
    const before = plane.events().length;
    const again = requests.filter(({ path }) => path === "/v1/runs/events").at(-1)?.text ?? "";
    const answer = ingestAnswerSchema.parse(await (await send("POST", "/v1/runs/events", JSON.parse(again))).json());
    expect(plane.events().length).toBe(before);
    expect(answer.results.map(({ status }) => status)).toEqual(answer.results.map(() => "duplicate"));
    expect(answer.results.length).toBe(ingestBodySchema.parse(JSON.parse(again)).events.length);
  });
});

describe("the events of a run", () => {
  it("[SPEC 8.4] have the envelope, and data of the form of their kind", async () => {
    const { plane } = await session();
    const events = plane.events();
    expect(events.length).toBeGreaterThan(5);
    for (const event of events) {
      expect(eventEnvelopeSchema.safeParse(event).error).toBeUndefined();
      expect(auditEventSchema.safeParse(event).error).toBeUndefined();
      expect(EVENT_KINDS).toContain(event.kind);
    }
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(events.length);
  });

  it("[SPEC 8.5] tell of a held call who answered it, and of the end how the run ended", async () => {
    const { plane } = await session();
    const run = plane.events().filter(({ runId }) => runId === RUN_ID);
    expect(run.map(({ seq }) => seq)).toEqual(run.map((_, at) => at));
    expect(run.map(({ kind }) => kind)).toEqual([
      "run.started",
      "tool.decision",
      "tool.result",
      "approval.requested",
      "approval.resolved",
      "tool.decision",
      "run.ended",
    ]);
    expect(run.find(({ kind }) => kind === "approval.resolved")?.data).toMatchObject({ status: "approved", by: "ada" });
    expect(run.at(-1)?.data).toMatchObject({ status: "success" });
  });
});
