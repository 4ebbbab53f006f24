import { expect } from "vitest";
import type * as z from "zod";
import { parseValue } from "./issue.ts";

export const AT = "2026-01-31T09:00:00Z";
export const KEY = { policyId: "p", ruleId: "r", index: 0, scope: "agent", scopeId: "support" };
export const REQUEST = {
  approvalId: "a1",
  fingerprint: "0".repeat(64),
  agent: "support",
  runId: "run",
  callId: "call",
  tool: "refund",
  ruleId: "r",
  policyId: "p",
};
export const APPROVAL = { ...REQUEST, status: "pending", requestedAt: AT, expiresAt: AT };

/** A schema with values that it takes unchanged. */
export type Accepted = readonly [name: string, schema: z.ZodType, values: readonly unknown[]];
/** A value that a schema refuses, and where and why. */
export type Refused = readonly [what: string, schema: z.ZodType, value: unknown, expected: string];

export function expectAccepted(...[_name, schema, values]: Accepted): void {
  for (const value of values) expect(parseValue(schema, value)).toEqual({ ok: true, value });
}

export function expectRefused(...[_what, schema, value, expected]: Refused): void {
  const parsed = parseValue(schema, value);
  expect(parsed.ok ? [] : parsed.issues.map((issue) => `${issue.path}: ${issue.message}`)).toEqual([expected]);
}
