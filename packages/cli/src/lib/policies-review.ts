import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { policyIdOf } from "@handlebar/engine/check";
import { diffPolicies as compare } from "@handlebar/policies";
import { type PolicyDiff, policiesCheckedSchema, policyDiffSchema } from "@handlebar/protocol";
import { flag, textOption, UsageError } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { atStage } from "./policies-life.ts";
import { printAgentFindings, printComparison, printVersions } from "./policies-review-screen.ts";
import { policiesText, printFindings } from "./policies-screen.ts";
import { type PoliciesCall, readFiles, readList, refused, writePolicies } from "./policies-sync.ts";
import { count } from "./screen.ts";

/** Shows what a push of files would change, or how two versions of a policy differ; exits with 1 when there is something. */
export function diffPolicies(call: PoliciesCall): Promise<number> {
  const { input, paths, context } = call;
  const [policyId, ...more] = paths;
  const asksForVersions = textOption(input, "from") !== undefined || textOption(input, "to") !== undefined;
  if (asksForVersions && (policyId === undefined || more.length > 0)) {
    throw new UsageError("name one policy by its id; `handlebar policies list` shows them");
  }
  const isId = policyId !== undefined && more.length === 0 && !isFile(resolve(context.cwd, policyId), policyId);
  return policyId !== undefined && (asksForVersions || isId) ? diffVersions(call, policyId) : diffFiles(call);
}

/** What is there, or is called as files are, is no policy's id. */
function isFile(path: string, name: string): boolean {
  return existsSync(path) || /[\\/]|\.(ya?ml|json)$/i.test(name);
}

async function diffVersions({ api, input, context }: PoliciesCall, policyId: string): Promise<number> {
  const query = { from: versionOf(textOption(input, "from"), "from"), to: versionOf(textOption(input, "to"), "to") };
  const path = `/v1/policies/${encodeURIComponent(policyId)}/diff`;
  const diff: PolicyDiff = await api.request("GET", path, { query, schema: policyDiffSchema });
  const { fields, rules } = diff.changes;
  const isSame = fields.length + rules.length === 0;
  if (flag(input, "json")) context.out(`${JSON.stringify(diff, undefined, 2)}\n`);
  else {
    printVersions(diff, context);
    printComparison({ before: diff.from.policy, after: diff.to.policy, changes: diff.changes }, context);
    if (isSame) context.err("no difference\n");
  }
  return isSame ? EXIT.ok : EXIT.found;
}

async function diffFiles(call: PoliciesCall): Promise<number> {
  const reading = readFiles(call);
  if (reading === undefined) return EXIT.found;
  const { api, input, context } = call;
  const { policies } = await readList(api);
  const wanted = atStage(reading.policies, input);
  const written = await writePolicies(call, wanted, true);
  if (!("changes" in written)) return refused(written, { ...call, reading });
  const differences = written.changes
    .filter(({ change }) => change !== "unchanged")
    .map(({ policyId, change }) => {
      const before = policies.find((stored) => stored.policyId === policyId)?.policy;
      const after = change === "deleted" ? undefined : wanted.find((one) => policyIdOf(one) === policyId);
      return { policyId, change, before, after, changes: compare(before, after) };
    });
  if (flag(input, "json")) {
    const told = differences.map(({ policyId, changes }) => ({ policyId, changes }));
    context.out(`${JSON.stringify({ ...written, differences: told }, undefined, 2)}\n`);
  } else {
    for (const difference of differences) {
      context.out(`${difference.policyId}: ${difference.change}\n`);
      printComparison(difference, context);
    }
    context.err(differences.length === 0 ? "no difference\n" : `${policiesText(differences.length)} would change\n`);
  }
  return differences.length === 0 ? EXIT.ok : EXIT.found;
}

/** Checks files together with the policies that are kept, or those alone, and what is registered. */
export async function checkWithServer(call: PoliciesCall): Promise<number> {
  const { api, input, context, paths } = call;
  const reading = paths.length === 0 ? { policies: [], origins: [] } : readFiles(call);
  if (reading === undefined) return EXIT.found;
  const body = { policies: reading.policies };
  const checked = await api.request("POST", "/v1/policies/check", { body, schema: policiesCheckedSchema });
  const { ok: isFine, findings, registered, leftOutCount } = checked;
  if (flag(input, "json")) {
    context.out(`${JSON.stringify({ findings, registered, leftOutCount }, undefined, 2)}\n`);
    return isFine ? EXIT.ok : EXIT.found;
  }
  const errorCount = printFindings(findings, reading, context);
  printAgentFindings(registered, context);
  const what = paths.length === 0 ? "the policies of the control plane" : policiesText(reading.policies.length);
  const warnings = count(findings.length - errorCount + registered.length, "warning");
  const more = leftOutCount === 0 ? "" : `, and ${leftOutCount} more that are not shown`;
  context.err(`${what}: ${count(errorCount, "error")}, ${warnings}${more}\n`);
  return isFine ? EXIT.ok : EXIT.found;
}

function versionOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`\`--${option}\` is the number of a version, such as 3`);
}
