import { closestName } from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, apiClient } from "../api-client.ts";
import { type Command, UsageError } from "../command.ts";
import { importPolicies } from "../policies-import.ts";
import { promotePolicy, rollbackPolicy, showStatus } from "../policies-life.ts";
import { checkWithServer, diffPolicies } from "../policies-review.ts";
import { listPolicies, type PoliciesCall, pullPolicies, pushPolicies } from "../policies-sync.ts";

const VERBS: ReadonlyMap<string, (call: PoliciesCall) => Promise<number>> = new Map([
  ["list", listPolicies],
  ["push", pushPolicies],
  ["pull", pullPolicies],
  ["diff", diffPolicies],
  ["check", checkWithServer],
  ["promote", promotePolicy],
  ["rollback", rollbackPolicy],
  ["status", showStatus],
]);

export const policies: Command = {
  name: "policies",
  summary:
    "Brings policy files and a control plane together: list, push, pull, diff, check, promote, rollback, status; import from the first format.",
  usage:
    "list | push <files...> | pull | diff <files...> | diff <id> | check [files...] | promote <id> | rollback <id> | status [id] | import <files...>",
  details: `push saves the policies of files, all or none, once they pass the check; with --prune those that no file has are deleted. Agents that run
have them within moments. With --stage shadow they are tried first: evaluated, recorded and counted, and nothing that an agent does changes.
promote enforces the version of a policy that was tried; it is refused where somebody changed the policy since. rollback brings the content of
an earlier version back as a new version. status shows what policies in shadow would have done and which clients have the newest ones; with an
id the policy's versions: who, when and why. diff shows what a push would change, or with an id how two versions of a policy differ (the newest two, or --from and --to), rule by
rule and line by line, and exits with 1 when there is something. pull writes one file per policy. check looks at files together with the
policies that are kept, the registered agents and their tools; without files at those that are kept. import prints policies of Handlebar's first
format (JSON) in today's and asks no server.`,
  options: {
    ...API_OPTIONS,
    prune: { type: "boolean" },
    stage: { type: "string" },
    expect: { type: "string" },
    from: { type: "string" },
    to: { type: "string" },
    "dry-run": { type: "boolean" },
    comment: { type: "string" },
    out: { type: "string" },
    force: { type: "boolean" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    prune: "push, diff: delete the policies that are in no file",
    "dry-run": "push: say what would change, and change nothing",
    stage: "push, diff: shadow or enforce, whatever mode the files say",
    expect: "promote: the version that was tried (default: the newest)",
    from: "diff <id>: the older version (default: the one before the newer)",
    to: "diff <id>: the newer version (default: the newest); rollback: the version to go back to (default: the one before the newest)",
    comment: "push, promote, rollback: why, for whoever reads the versions",
    out: "pull: the folder to write to (default: the screen)",
    force: "pull: write over files that say something else",
    json: "the answer as JSON",
  },
  async run(input, context) {
    const [verb, ...paths] = input.positionals;
    if (verb === "import") return importPolicies(paths, context);
    const run = verb === undefined ? undefined : VERBS.get(verb);
    if (run === undefined) throw unknownVerb(verb);
    return run({ api: apiClient(input, context), input, context, paths });
  },
};

function unknownVerb(verb: string | undefined): UsageError {
  const verbs = [...VERBS.keys(), "import"];
  if (verb === undefined) return new UsageError(`say what to do: ${verbs.join(", ")}`);
  const meant = closestName(verb, verbs);
  return new UsageError(
    `there is no \`policies ${verb}\`; ${meant === undefined ? `there are ${verbs.join(", ")}` : `did you mean \`${meant}\`?`}`,
  );
}
