import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { formatIssue, printPolicies } from "@handlebar/policies";
import { type PolicyFilesReading, readPolicyFiles } from "@handlebar/policies/node";
import {
  HandlebarError,
  type PoliciesWritten,
  type Policy,
  type PolicyList,
  policiesWrittenSchema,
  policyListSchema,
  problemSchema,
} from "@handlebar/protocol";
import type { ApiClient } from "./api-client.ts";
import { type CommandContext, type CommandInput, flag, textOption, UsageError } from "./command.ts";
import { EXIT } from "./exit-codes.ts";
import { atStage } from "./policies-life.ts";
import { policiesText, printChanges, printFindings, printPolicyList } from "./policies-screen.ts";

/** One verb of `handlebar policies` on its way. */
export interface PoliciesCall {
  readonly api: ApiClient;
  readonly input: CommandInput;
  readonly context: CommandContext;
  /** The files and folders that were named. */
  readonly paths: readonly string[];
}

export async function listPolicies({ api, input, context }: PoliciesCall): Promise<number> {
  const list = await readList(api);
  if (flag(input, "json")) context.out(`${JSON.stringify(list, undefined, 2)}\n`);
  else printPolicyList(list.policies, context);
  return EXIT.ok;
}

/** Saves the policies of files, all or none. */
export async function pushPolicies(call: PoliciesCall): Promise<number> {
  const reading = readFiles(call);
  if (reading === undefined) return EXIT.found;
  const { input, context } = call;
  const written = await writePolicies(call, atStage(reading.policies, input), flag(input, "dry-run"));
  if (!("changes" in written)) return refused(written, { ...call, reading });
  if (flag(input, "json")) {
    context.out(`${JSON.stringify(written, undefined, 2)}\n`);
    return EXIT.ok;
  }
  const errorCount = printFindings(written.findings, reading, context);
  printChanges(written, context);
  return errorCount > 0 ? EXIT.found : EXIT.ok;
}

/** Writes the policies of a control plane into files, one each, or to the screen. */
export async function pullPolicies({ api, input, context }: PoliciesCall): Promise<number> {
  const { policies } = await readList(api);
  const folder = textOption(input, "out");
  if (folder === undefined) {
    if (policies.length > 0) context.out(printPolicies(policies.map(({ policy }) => policy)));
    context.err(`${policiesText(policies.length)}\n`);
    return EXIT.ok;
  }
  const files = policies.map(({ policyId, policy }) => {
    const path = join(resolve(context.cwd, folder), `${fileNameOf(policyId)}.yaml`);
    return { path, text: printPolicies([policy]), before: readIfThere(path) };
  });
  const inTheWay = files.find(({ before, text }) => before !== undefined && before !== text);
  if (inTheWay !== undefined && !flag(input, "force")) {
    const shown = relative(context.cwd, inTheWay.path);
    throw new UsageError(`\`${shown}\` is there already and says something else; use --force to write over it`);
  }
  mkdirSync(resolve(context.cwd, folder), { recursive: true });
  for (const { path, text } of files) writeFileSync(path, text);
  context.err(`${policiesText(files.length)} written to ${folder}\n`);
  return EXIT.ok;
}

/** All policies of a control plane. */
export function readList(api: ApiClient): Promise<PolicyList> {
  return api.request("GET", "/v1/policies", { schema: policyListSchema });
}

/** Prints what is wrong with the files; `undefined` when something is. */
export function readFiles({ paths, context }: PoliciesCall): PolicyFilesReading | undefined {
  if (paths.length === 0) throw new UsageError("name the policy files or folders");
  const reading = readPolicyFiles(paths.map((path) => resolve(context.cwd, path)));
  if (reading.issues.length === 0) return reading;
  for (const issue of reading.issues) context.out(`${formatIssue(issue)} ${issue.code}\n`);
  return undefined;
}

/** Saves policies, or says what that would change; an error holds what the control plane found. */
export async function writePolicies(
  { api, input }: PoliciesCall,
  policies: readonly Policy[],
  dryRun: boolean,
): Promise<PoliciesWritten | HandlebarError> {
  const comment = textOption(input, "comment");
  const body = { policies, prune: flag(input, "prune"), dryRun, ...(comment === undefined ? {} : { comment }) };
  try {
    return await api.request("PUT", "/v1/policies", { body, schema: policiesWrittenSchema });
  } catch (error) {
    if (HandlebarError.is(error) && findingsOf(error).length > 0) return error;
    throw error;
  }
}

/** The control plane found errors and saved nothing. */
export function refused(error: HandlebarError, call: PoliciesCall & { readonly reading: PolicyFilesReading }): number {
  const findings = findingsOf(error);
  if (flag(call.input, "json")) call.context.out(`${JSON.stringify({ findings }, undefined, 2)}\n`);
  else printFindings(findings, call.reading, call.context);
  call.context.err("nothing was saved\n");
  return EXIT.found;
}

function findingsOf(error: HandlebarError): NonNullable<ReturnType<typeof problemSchema.parse>["findings"]> {
  return problemSchema.safeParse(error.details["problem"]).data?.findings ?? [];
}

function fileNameOf(policyId: string): string {
  const name = policyId.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "");
  return name === "" ? "policy" : name;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
