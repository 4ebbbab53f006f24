import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { LinkClients } from "./link-clients.ts";

const [clientText = "1000", databaseUrl = ""] = process.argv.slice(2);
const CLIENT_COUNT = Number(clientText);
const ROUND_COUNT = 30;
const POLICY = {
  name: "refunds",
  rules: Array.from({ length: 10 }, (_, at) => ({
    name: `limit ${at}`,
    on: "tool.before",
    tool: { name: `tool-${at}` },
    when: { kind: "toolArg", path: "amount", type: "number", op: "gt", value: 500 + at },
    effect: { type: "block" },
  })),
};

interface Figures {
  /** From the start of the request to each client's message, in milliseconds, of all rounds. */
  readonly delivered: readonly number[];
  /** To the last client's message, per round. */
  readonly last: readonly number[];
  /** To the answer to the last acknowledgement, per round. */
  readonly acknowledged: readonly number[];
}

interface Link {
  readonly clients: LinkClients;
  /** Changes something; resolves when it is answered. */
  readonly push: (round: number) => Promise<unknown>;
  /** What each client answers with, where it does. */
  readonly ack: ((client: number, text: string) => Promise<unknown>) | undefined;
}

async function measure({ clients, push, ack }: Link): Promise<Figures> {
  const figures = { delivered: [] as number[], last: [] as number[], acknowledged: [] as number[] };
  for (let round = 0; round < ROUND_COUNT; round++) {
    let startedMs = 0;
    let left = CLIENT_COUNT;
    const acks: Promise<unknown>[] = [];
    const all = new Promise<void>((resolve) => {
      clients.onState = (client, text) => {
        figures.delivered.push(performance.now() - startedMs);
        if (ack !== undefined) acks.push(ack(client, text));
        left -= 1;
        if (left === 0) resolve();
      };
    });
    startedMs = performance.now();
    await Promise.all([push(round), all]);
    figures.last.push(performance.now() - startedMs);
    await Promise.all(acks);
    figures.acknowledged.push(performance.now() - startedMs);
  }
  return figures;
}

async function measureHandlebar(server: Child): Promise<Figures> {
  const clients = new LinkClients(server.origin, server.firstKey ?? process.env["HANDLEBAR_API_KEY"] ?? "");
  const before = await server.rssBytes();
  const startedMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: CLIENT_COUNT }, () => clients.send("PUT", "/v1/agents", { slug: "support" })),
  );
  const registeredMs = performance.now() - startedMs;
  const { agentId } = JSON.parse(answers[0] ?? "{}") as { readonly agentId: string };
  await clients.open(`/v1/agents/${agentId}/stream`, CLIENT_COUNT);
  const after = await server.rssBytes();
  console.log(`${CLIENT_COUNT} registrations of one agent: ${registeredMs.toFixed(0)} ms, their answers 32 at a time`);
  printMemory("Handlebar", before, after);
  const push = (round: number): Promise<unknown> =>
    clients.send("PUT", "/v1/policies/refunds", { policy: { ...POLICY, description: `round ${round}` } });
  const ack = (client: number, text: string): Promise<unknown> => {
    const revision = Number(/^id: (\d+)$/m.exec(text)?.[1]);
    return clients.send("POST", `/v1/agents/${agentId}/ack`, { clientId: `c${client}`, revision, lockdownIds: [] });
  };
  const figures = await measure({ clients, push, ack });
  clients.close();
  return figures;
}

async function measureBare(server: Child): Promise<Figures> {
  const clients = new LinkClients(server.origin, "");
  const before = await server.rssBytes();
  await clients.open("/stream", CLIENT_COUNT);
  printMemory("bare", before, await server.rssBytes());
  const policies = [{ ...POLICY, id: "refunds" }];
  const push = (round: number): Promise<unknown> =>
    clients.send("PUT", "/", { kind: "state", state: { revision: round, policies, lockdowns: [] } });
  const figures = await measure({ clients, push, ack: (client) => clients.send("POST", "/", { client }) });
  clients.close();
  return figures;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function printMemory(name: string, before: number, after: number): void {
  const each = ((after - before) / CLIENT_COUNT / 1024).toFixed(1);
  console.log(`memory of ${name}: ${mib(before)} MiB, with the streams ${mib(after)} MiB, ${each} KiB each`);
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}

function print(name: string, { delivered, last, acknowledged }: Figures): void {
  const part = (what: string, values: readonly number[]): string =>
    `${what} p50 ${quantile(values, 0.5).toFixed(0)} p99 ${quantile(values, 0.99).toFixed(0)} ms`;
  console.log(
    `${name.padEnd(10)} ${part("a client", delivered)}   ${part("the last one", last)}   ${part("all acknowledged", acknowledged)}`,
  );
}

const folder = mkdtempSync(join(tmpdir(), "hb-link-"));
const server = await startChild("serve-child.ts", folder, databaseUrl);
const handlebar = await measureHandlebar(server);
await server.stop();
const bare = await startChild("bare-link-child.ts");
const least = await measureBare(bare);
await bare.stop();
rmSync(folder, { recursive: true, force: true });
console.log(
  `${ROUND_COUNT} pushes to ${CLIENT_COUNT} clients, each with its own connection, from the start of the request`,
);
print("Handlebar", handlebar);
print("bare", least);
const ratio = (share: number): string =>
  (quantile(handlebar.delivered, share) / quantile(least.delivered, share)).toFixed(1);
console.log(`ratio: p50 ${ratio(0.5)}, p99 ${ratio(0.99)}`);
