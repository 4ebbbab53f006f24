import type { AddressInfo } from "node:net";
import { checkBodySchema, type Decision } from "@handlebar/protocol";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

/** The bare framework: reads the same body, checks its form, and gives an answer of the same size without deciding anything. */
const decision: Decision = {
  verdict: "ALLOW",
  control: "CONTINUE",
  cause: { kind: "ALLOW" },
  message: "this call is allowed",
  evaluatedRules: [
    {
      ruleId: "refunds/limit 3",
      policyId: "refunds",
      enabled: true,
      matched: false,
      violated: false,
      mode: "enforce",
      effect: "block",
      outcome: "false",
    },
  ],
};
const app = new Hono();
app.post("/v1/agents/check", async (context) => {
  const body = checkBodySchema.safeParse(await context.req.json());
  return body.success ? context.json({ decisions: [decision] }) : context.json({ title: "no" }, 400);
});
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }: AddressInfo) => {
  process.send?.({ origin: `http://127.0.0.1:${port}` });
});
process.on("message", () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.send?.({ rssBytes: process.memoryUsage().rss, cpuMicros: user + system });
});
process.on("disconnect", () => {
  server.close();
  process.exit(0);
});
