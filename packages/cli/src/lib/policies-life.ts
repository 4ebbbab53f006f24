import {
  type AcksAnswer,
  acksAnswerSchema,
  type PoliciesWritten,
  type Policy,
  policiesWrittenSchema,
  policyAnswerSchema,
  policyListSchema,
  policyVersionsSchema,
} from "@handlebar/protocol";
import type { ApiClient } from "./api-client.ts";
import { type CommandInput, flag, textOption, UsageError } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { printPoliciesStatus, printPolicyStatus, shadowText } from "./policies-life-screen.ts";
import { printChanges, printWarnings } from "./policies-screen.ts";
import type { PoliciesCall } from "./policies-sync.ts";

/** The policies of files at the stage that `--stage` names: in that mode, whatever the files say. @throws UsageError */
export function atStage(policies: readonly Policy[], input: CommandInput): readonly Policy[] {
  const stage = textOption(input, "stage");
  if (stage === undefined) return policies;
  if (stage !== "shadow" && stage !== "enforce") {
    throw new UsageError(`\`--stage ${stage}\` is no stage; there are shadow and enforce`);
  }
  return policies.map((policy) => ({ ...policy, mode: stage }));
}

/** Enforces the version of a policy that was tried in shadow. */
export async function promotePolicy(call: PoliciesCall): Promise<number> {
  const { api, input, context } = call;
  const policyId = onePolicy(call);
  const { policy } = await api.request("GET", pathOf(policyId), { schema: policyAnswerSchema });
  const expectedVersion = versionOption(input, "expect") ?? policy.version;
  if (policy.version === expectedVersion && policy.policy.mode === "shadow" && !flag(input, "json")) {
    context.err(`version ${policy.version} of ${policyId} in shadow: ${shadowText(policy.shadow)}\n`);
  }
  return write(call, "promote", { expectedVersion });
}

/** Brings the content of an earlier version of a policy back, as its newest version. */
export function rollbackPolicy(call: PoliciesCall): Promise<number> {
  const version = versionOption(call.input, "to");
  return write(call, "rollback", version === undefined ? {} : { version });
}

/** What is in force, what is tried in shadow and what came of it, and which clients have it. */
export function showStatus(call: PoliciesCall): Promise<number> {
  return call.paths.length === 0 ? statusOfAll(call) : statusOfOne(call);
}

async function statusOfAll({ api, input, context }: PoliciesCall): Promise<number> {
  const [list, acks] = await Promise.all([
    api.request("GET", "/v1/policies", { schema: policyListSchema }),
    readAcks(api, "/v1/acks"),
  ]);
  if (flag(input, "json")) context.out(`${JSON.stringify({ ...list, acks }, undefined, 2)}\n`);
  else printPoliciesStatus(list.policies, acks, context);
  return EXIT.ok;
}

async function statusOfOne(call: PoliciesCall): Promise<number> {
  const { api, input, context } = call;
  const path = pathOf(onePolicy(call));
  const [history, acks] = await Promise.all([
    api.request("GET", `${path}/versions`, { schema: policyVersionsSchema }),
    readAcks(api, `${path}/acks`),
  ]);
  if (flag(input, "json")) context.out(`${JSON.stringify({ ...history, acks }, undefined, 2)}\n`);
  else printPolicyStatus(history, acks, context);
  return EXIT.ok;
}

function readAcks(api: ApiClient, path: string): Promise<AcksAnswer> {
  return api.request("GET", path, { schema: acksAnswerSchema });
}

async function write(call: PoliciesCall, step: "promote" | "rollback", body: object): Promise<number> {
  const { api, input, context } = call;
  const comment = textOption(input, "comment");
  const written: PoliciesWritten = await api.request("POST", `${pathOf(onePolicy(call))}/${step}`, {
    body: { ...body, ...(comment === undefined ? {} : { comment }) },
    schema: policiesWrittenSchema,
  });
  if (flag(input, "json")) {
    context.out(`${JSON.stringify(written, undefined, 2)}\n`);
    return EXIT.ok;
  }
  printWarnings(written.findings, context);
  printChanges(written, context);
  return EXIT.ok;
}

function onePolicy({ paths }: PoliciesCall): string {
  const [policyId, ...others] = paths;
  if (policyId === undefined || others.length > 0) throw new UsageError("name one policy by its id");
  return policyId;
}

function pathOf(policyId: string): string {
  return `/v1/policies/${encodeURIComponent(policyId)}`;
}

/** @throws UsageError */
function versionOption(input: CommandInput, name: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`\`--${name} ${text}\` is no version; versions are whole numbers from 1`);
}
