import { closestName } from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, apiClient } from "../api-client.ts";
import { type Command, UsageError } from "../command.ts";
import { importPolicies } from "../policies-import.ts";
import {
  checkWithServer,
  diffPolicies,
  listPolicies,
  type PoliciesCall,
  pullPolicies,
  pushPolicies,
} from "../policies-sync.ts";

const VERBS: ReadonlyMap<string, (call: PoliciesCall) => Promise<number>> = new Map([
  ["list", listPolicies],
  ["push", pushPolicies],
  ["pull", pullPolicies],
  ["diff", diffPolicies],
  ["check", checkWithServer],
]);

export const policies: Command = {
  name: "policies",
  summary:
    "Brings policy files and a control plane together: list, push, pull, diff, check; import from the first format.",
  usage: "list | push <files...> | pull | diff <files...> | check <files...> | import <files...>",
  details: `push saves the policies of files, all or none, once they pass the check; with --prune those that no file has are deleted. Agents that run
have them within moments. diff shows what a push would change and exits with 1 when there is something. pull writes one file per policy.
check looks at files together with the policies in force and the tools that agents registered. import prints policies of Handlebar's first
format (JSON) in today's and asks no server.`,
  options: {
    ...API_OPTIONS,
    prune: { type: "boolean" },
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
    comment: "push: why, for whoever reads the versions",
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
