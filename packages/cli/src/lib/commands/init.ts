import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Command, flag, UsageError } from "../command.ts";
import { EXIT } from "../exit-codes.ts";

const POLICY = `# Policies of your agent. Check them with \`handlebar check policies\`, test them with \`handlebar test policies\`.
# yaml-language-server: $schema=./node_modules/@handlebar/protocol/schema/policy.schema.json
name: starter
# mode: shadow        # report what the rules would do, and change nothing
rules:
  # A person must approve large amounts.
  - name: large amounts need a person
    on: tool.before
    tool: { name: [refund, pay, transfer] }
    when: { kind: toolArg, path: amount, type: number, op: gt, value: 500 }
    effect: { type: hitl, reason: amounts above 500 need approval }

  # Nothing is deleted by an agent.
  - name: no deletions
    on: tool.before
    tool: { name: "delete_*" }
    effect: { type: block, reason: agents do not delete }

  # Secrets and card numbers stay out of model prompts.
  - name: no secrets in prompts
    on: [llm.before, tool.after]
    effect:
      type: redact
      redact: [{ detectors: [payment_card, api_key, access_token, private_key, password] }]

  # An agent that runs wild is stopped.
  - name: at most fifty calls in a run
    on: tool.before
    when: { kind: maxCalls, scope: run, max: 50 }
    effect: { type: block, control: TERMINATE, reason: fifty calls are enough for one run }
`;

const CASES = `# What the policies in starter.yaml must answer. Run with \`handlebar test\`.
cases:
  - name: small amounts go through, large ones are held
    steps:
      - { call: refund, args: { amount: 80 } }
      - { call: refund, args: { amount: 900 }, expect: HITL }
      - { call: refund, args: { amount: 900 }, approval: approved }
  - name: nothing is deleted
    steps:
      - { call: delete_customer, args: { id: 1 }, expect: BLOCK }
  - name: cards are masked before a model sees them
    steps:
      - llm: { messages: [{ role: user, content: "my card is 4111 1111 1111 1111" }] }
        expect: REDACT
`;

export const init: Command = {
  name: "init",
  summary: "Writes a starter policy with its cases.",
  usage: "[folder] [--force]",
  details:
    "Writes starter.yaml and starter.cases.yaml into the folder (default: policies). Files that are there are left alone.",
  options: { force: { type: "boolean" } },
  optionHelp: { force: "overwrite files that are there" },
  run(input, context) {
    if (input.positionals.length > 1) throw new UsageError("name one folder");
    const [name = "policies"] = input.positionals;
    const folder = resolve(context.cwd, name);
    if (existsSync(folder) && !statSync(folder).isDirectory())
      throw new UsageError(`\`${name}\` is a file; name a folder`);
    const files = [
      ["starter.yaml", POLICY],
      ["starter.cases.yaml", CASES],
    ] as const;
    const there = files.filter(([file]) => existsSync(join(folder, file)));
    if (there.length > 0 && !flag(input, "force")) {
      throw new UsageError(`\`${join(name, there[0]?.[0] ?? "")}\` is there already; use --force to overwrite it`);
    }
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of files) writeFileSync(join(folder, file), text);
    context.out(`${files.map(([file]) => join(name, file)).join("\n")}\n`);
    context.err(`next: handlebar check ${name} && handlebar test ${name}\n`);
    return EXIT.ok;
  },
};
