import { join } from "node:path";
import { Handlebar, type HandlebarClient, type HandlebarConfig } from "@handlebar/core";
import { fileStateCache } from "@handlebar/core/node";
import { agentAnswerSchema } from "@handlebar/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { beAtWork, type Doing } from "./agent-at-work.fixture.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.fixture.ts";
import { type Ran, sandbox } from "./sandbox.fixture.ts";
import { startSwallowingProxy } from "./swallowing-proxy.fixture.ts";

const WORK: Doing = { actor: "u_1", session: "s_1", tool: "send" };
/** What may be covered, as commands name it, and what is not when something else is. */
const SCOPES: readonly (readonly [
  string,
  readonly string[],
  (Partial<Doing> & { readonly slug?: string }) | undefined,
])[] = [
  ["everything", ["--everything"], undefined],
  ["an agent", ["--agent", "support"], { slug: "billing" }],
  ["an actor", ["--actor", "u_1"], { actor: "u_2" }],
  ["a session", ["--session", "s_1"], { session: "s_2" }],
];
const folder = sandbox();

let plane: TestControlPlane;
const clients: HandlebarClient[] = [];
beforeEach(async () => {
  plane = await startControlPlane();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((hb) => hb.shutdown()));
  await plane.stop();
});

function init(slug: string, config: Partial<HandlebarConfig> = {}): HandlebarClient {
  const hb = Handlebar.init({
    agent: { slug },
    apiKey: plane.agentKey,
    endpoint: plane.origin,
    sinks: [],
    logger: { warn: () => undefined, error: () => undefined },
    ...config,
  });
  clients.push(hb);
  return hb;
}

/** One that the control plane has heard of, as one of so many of its agent. */
async function client(
  slug: string,
  config: Partial<HandlebarConfig> = {},
  count: number = 1,
): Promise<HandlebarClient> {
  const hb = init(slug, config);
  await hb.ready();
  await expect.poll(async () => (await clientsOf(slug)).length).toBe(count);
  return hb;
}

async function clientsOf(slug: string): Promise<readonly unknown[]> {
  return agentAnswerSchema.parse(await plane.call("GET", `/v1/agents/${slug}`)).clients;
}

const lockdown = (...args: readonly string[]): Promise<Ran> => plane.handlebar(folder, "lockdown", ...args);

/** Stops, and gives the order's id once all obey. */
async function stop(...args: readonly string[]): Promise<string> {
  const { code, out } = await lockdown("create", ...args);
  expect([code, out]).toEqual([0, expect.stringContaining("in force\nobeyed by")]);
  return out.split(" ")[0] ?? "";
}

async function lift(id: string, ...from: readonly HandlebarClient[]): Promise<void> {
  expect((await lockdown("lift", id)).code).toBe(0);
  await expect.poll(() => from.flatMap(({ status }) => status.lockdowns), { timeout: 20_000 }).toEqual([]);
}

describe("a lockdown of a running agent", () => {
  it.each(SCOPES)("of %s stops its runs, refuses new ones, and leaves others alone", async (_, args, other) => {
    const [support, billing] = [await client("support"), await client("billing")];
    const covered = await beAtWork(support, WORK);
    const free = await beAtWork(other?.slug === undefined ? support : billing, { ...WORK, ...other });
    const id = await stop(...args);
    const cause = { kind: "LOCKDOWN", lockdownId: id };
    expect([covered.signal.aborted, covered.run.terminated]).toEqual([true, true]);
    expect(covered.run.notStarted(covered.decided)).toMatchObject({ verdict: "BLOCK", control: "TERMINATE", cause });
    expect(await covered.run.tool({ name: "read", args: {} }, () => "started")).toMatchObject({
      status: "blocked",
      decision: { cause },
    });
    const later = support.startRun({ actor: { externalId: WORK.actor }, sessionId: WORK.session });
    expect([later.terminated, later.signal.aborted]).toEqual([true, true]);
    expect(await later.beforeTool({ name: "read", args: {} })).toMatchObject({ control: "TERMINATE", cause });
    if (other !== undefined) {
      expect([free.signal.aborted, free.run.terminated, free.run.notStarted(free.decided)]).toEqual([
        false,
        false,
        undefined,
      ]);
      expect(await free.finish()).toMatchObject({ status: "done", result: "done" });
      expect((await free.run.beforeTool({ name: "send", args: {} })).verdict).toBe("ALLOW");
    }
    await lift(id, support, billing);
    const again = await beAtWork(support, WORK);
    expect(await again.finish()).toMatchObject({ status: "done", result: "done" });
    expect(covered.run.terminated).toBe(true);
  });

  it("of a tool blocks that tool alone, and its runs go on", async () => {
    const hb = await client("support");
    const work = await beAtWork(hb, WORK);
    const id = await stop("--tool", "send");
    const cause = { kind: "LOCKDOWN", lockdownId: id };
    expect(work.run.notStarted(work.decided)).toMatchObject({ verdict: "BLOCK", control: "CONTINUE", cause });
    expect([work.signal.aborted, work.run.terminated]).toEqual([false, false]);
    // The call under way comes to its end; what it brings is withheld.
    expect(await work.finish()).toMatchObject({ status: "blocked", decision: { control: "CONTINUE", cause } });
    for (const run of [work.run, hb.startRun()]) {
      const call = (name: string): Promise<unknown> => run.tool({ name, args: {} }, () => "started");
      expect(await call("send")).toMatchObject({ status: "blocked", decision: { control: "CONTINUE", cause } });
      expect(await call("read")).toMatchObject({ status: "done", result: "started" });
    }
    await lift(id, hb);
    expect((await work.run.beforeTool({ name: "send", args: {} })).verdict).toBe("ALLOW");
  });

  it("is carried by long poll where a proxy swallows the stream", async () => {
    const proxy = await startSwallowingProxy(plane.origin);
    const hb = await client("support", { endpoint: proxy.origin });
    const work = await beAtWork(hb, WORK);
    const id = await stop("--agent", "support");
    expect([work.signal.aborted, hb.startRun().terminated, proxy.swallowedCount]).toEqual([true, true, 1]);
    await lift(id, hb);
    expect(hb.startRun().terminated).toBe(false);
    await hb.shutdown();
    await proxy.stop();
  });

  it("is shown with who does not obey: in shadow, off, or late", async () => {
    const obeying = await client("support");
    const shadow = await client("support", { enforceMode: "shadow" }, 2);
    const off = await client("support", { enforceMode: "off" }, 3);
    const run = shadow.startRun();
    const { code, out } = await lockdown("create", "--agent", "support", "--reason", "odd");
    const [id = ""] = out.split(" ");
    expect(code).toBe(1);
    expect(out).toMatch(/obeyed by 1 of 3 clients\n1 running client obeyed: half within \d+ ms/);
    expect(out).toMatch(/support +runs in shadow: acts upon no stop/);
    expect(out).toMatch(/support +runs with Handlebar off/);
    expect([obeying.startRun().terminated, run.terminated, off.startRun().terminated]).toEqual([true, false, false]);
    expect((await run.beforeTool({ name: "read", args: {} })).verdict).toBe("ALLOW");
    await Promise.all([shadow.shutdown(), off.shutdown()]);
    const seen = await lockdown("status", id);
    expect([seen.code, seen.out]).toEqual([0, expect.stringContaining("obeyed by 1 of 1 client\n")]);
  });
});

describe("a lockdown over restarts", () => {
  it("is obeyed by a client that starts while the server is down and has a state cache", async () => {
    const stateCache = fileStateCache({ dir: join(sandbox(), "state") });
    const first = await client("support", { stateCache });
    const id = await stop("--actor", "u_1");
    await first.shutdown();
    const starting: HandlebarClient[] = [];
    await plane.restart(async () => {
      const hb = init("support", { stateCache, initTimeoutMs: 50 });
      starting.push(hb);
      const covered = hb.startRun({ actor: { externalId: "u_1" } });
      expect([covered.terminated, covered.signal.aborted]).toEqual([true, true]);
      expect(await covered.beforeTool({ name: "read", args: {} })).toMatchObject({
        verdict: "BLOCK",
        control: "TERMINATE",
        cause: { kind: "LOCKDOWN", lockdownId: id },
      });
      const other = await hb.startRun({ actor: { externalId: "u_2" } }).beforeTool({ name: "read", args: {} });
      expect(other.verdict).toBe("ALLOW");
    });
    await expect.poll(async () => (await clientsOf("support")).length, { timeout: 20_000 }).toBe(1);
    const seen = await lockdown("status", id, "--wait", "30");
    expect([seen.code, seen.out]).toEqual([0, expect.stringContaining("obeyed by 1 of 1 client\n")]);
    await lift(id, ...starting);
    expect(starting[0]?.startRun({ actor: { externalId: "u_1" } }).terminated).toBe(false);
  });

  it("is in force after a restart of the server, for those who knew it and those who come", async () => {
    const hb = await client("support");
    const id = await stop("--agent", "support", "--for", "2h");
    await plane.restart(async () => {
      expect((await hb.startRun().beforeTool({ name: "read", args: {} })).cause).toEqual({
        kind: "LOCKDOWN",
        lockdownId: id,
      });
    });
    const later = await client("support", {}, 2);
    expect([hb.startRun().terminated, later.startRun().terminated]).toEqual([true, true]);
    const seen = await lockdown("status", id, "--wait", "30");
    expect([seen.code, seen.out]).toEqual([0, expect.stringMatching(/in force\nobeyed by 2 of 2 clients\n/)]);
    expect(seen.out).toContain("1 client started since, and obeyed from the start\n");
    await lift(id, hb, later);
    expect([hb.startRun().terminated, later.startRun().terminated]).toEqual([false, false]);
  });
});
