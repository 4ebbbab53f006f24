import {
  closestName,
  deliveryAnswerSchema,
  deliveryListSchema,
  deliveryStatusSchema,
  WEBHOOK_TYPES,
  type WebhookDelivery,
  type WebhookSecretAnswer,
  webhookListSchema,
  webhookSchema,
  webhookSecretAnswerSchema,
} from "@handlebar/protocol";
import { API_OPTION_HELP, API_OPTIONS, type ApiClient, apiClient } from "../api-client.ts";
import {
  type Command,
  type CommandContext,
  type CommandInput,
  flag,
  textOption,
  textOptions,
  UsageError,
} from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { count, paint, table } from "../screen.ts";

interface WebhooksCall {
  readonly api: ApiClient;
  readonly input: CommandInput;
  readonly context: CommandContext;
  /** What follows the verb. */
  readonly rest: readonly string[];
}

const VERBS: ReadonlyMap<string, (call: WebhooksCall) => Promise<number>> = new Map([
  ["list", list],
  ["create", create],
  ["delete", remove],
  ["rotate", rotate],
  ["test", test],
  ["enable", enable],
  ["deliveries", deliveries],
  ["replay", replay],
]);

export const webhooks: Command = {
  name: "webhooks",
  summary: "Tells chat tools and other programs of approvals, by signed requests.",
  usage:
    "[list] | create <url> | delete <id> | rotate <id> | test <id> | enable <id> | deliveries <id> | replay <id> <message id>",
  details: `create and rotate print the secret that signs once, alone on standard output. After a rotation the old secret signs beside the new one for
--grace-seconds. A message that is not taken is tried for 24 hours and is dead then; replay sends it again.`,
  options: {
    ...API_OPTIONS,
    name: { type: "string" },
    type: { type: "string", multiple: true },
    "grace-seconds": { type: "string" },
    status: { type: "string" },
    json: { type: "boolean" },
  },
  optionHelp: {
    ...API_OPTION_HELP,
    name: "create: what people call it (default: the URL's host)",
    type: `create: what it is told of, once for each: ${WEBHOOK_TYPES.join(", ")} (default: all)`,
    "grace-seconds": "rotate: how long the old secret signs too (default 86400)",
    status: `deliveries: ${deliveryStatusSchema.options.join(", ")}`,
    json: "the answer as JSON",
  },
  async run(input, context) {
    const [verb = "list", ...rest] = input.positionals;
    const run = VERBS.get(verb);
    if (run === undefined) throw unknownVerb(verb);
    return run({ api: apiClient(input, context), input, context, rest });
  },
};

function unknownVerb(verb: string): UsageError {
  const verbs = [...VERBS.keys()];
  const meant = closestName(verb, verbs);
  const hint = meant === undefined ? `there are ${verbs.join(", ")}` : `did you mean \`${meant}\`?`;
  return new UsageError(`there is no \`webhooks ${verb}\`; ${hint}`);
}

async function list({ api, input, context }: WebhooksCall): Promise<number> {
  const answer = await api.request("GET", "/v1/webhooks", { schema: webhookListSchema });
  if (flag(input, "json")) context.out(`${JSON.stringify(answer.webhooks, undefined, 2)}\n`);
  else {
    const rows = answer.webhooks.map(({ webhookId, name, url, types, disabled }) => [
      webhookId,
      name,
      url,
      types.join(" "),
      disabled === undefined ? "on" : `off: ${disabled}`,
    ]);
    if (rows.length > 0) context.out(table([["webhook", "name", "url", "told of", "state"], ...rows]));
    context.err(`${count(rows.length, "webhook")}\n`);
  }
  return EXIT.ok;
}

async function create({ api, input, context, rest: [url] }: WebhooksCall): Promise<number> {
  if (url === undefined || !URL.canParse(url)) throw new UsageError("give the URL, such as https://hooks.example/in");
  const types = textOptions(input, "type");
  const body = {
    name: textOption(input, "name") ?? new URL(url).host,
    url,
    ...(types.length === 0 ? {} : { types }),
  };
  const made = await api.request("POST", "/v1/webhooks", { body, schema: webhookSecretAnswerSchema });
  saySecret(made, { input, context });
  return EXIT.ok;
}

async function remove({ api, context, rest: [id] }: WebhooksCall): Promise<number> {
  await api.request("DELETE", pathOf(id));
  context.err(`${id} is told of nothing any more\n`);
  return EXIT.ok;
}

async function rotate({ api, input, context, rest: [id] }: WebhooksCall): Promise<number> {
  const seconds = textOption(input, "grace-seconds");
  if (seconds !== undefined && !/^\d{1,7}$/.test(seconds)) {
    throw new UsageError("`--grace-seconds` must be a whole number");
  }
  const body = seconds === undefined ? {} : { graceSeconds: Number(seconds) };
  const made = await api.request("POST", `${pathOf(id)}/rotate`, { body, schema: webhookSecretAnswerSchema });
  saySecret(made, { input, context });
  return EXIT.ok;
}

async function test({ api, input, context, rest: [id] }: WebhooksCall): Promise<number> {
  const { delivery } = await api.request("POST", `${pathOf(id)}/test`, { schema: deliveryAnswerSchema });
  print([delivery], { input, context });
  return EXIT.ok;
}

async function enable({ api, context, rest: [id] }: WebhooksCall): Promise<number> {
  const { name } = await api.request("POST", `${pathOf(id)}/enable`, { schema: webhookSchema });
  context.err(`${name} is sent to again\n`);
  return EXIT.ok;
}

async function deliveries({ api, input, context, rest: [id] }: WebhooksCall): Promise<number> {
  const query = { status: textOption(input, "status") };
  const answer = await api.request("GET", `${pathOf(id)}/deliveries`, { query, schema: deliveryListSchema });
  print(answer.deliveries, { input, context });
  return EXIT.ok;
}

async function replay({ api, input, context, rest: [id, messageId] }: WebhooksCall): Promise<number> {
  if (messageId === undefined) {
    throw new UsageError("name the message by its id; `handlebar webhooks deliveries <id>` shows them");
  }
  const path = `${pathOf(id)}/deliveries/${encodeURIComponent(messageId)}/replay`;
  const { delivery } = await api.request("POST", path, { schema: deliveryAnswerSchema });
  print([delivery], { input, context });
  return EXIT.ok;
}

type Screen = Pick<WebhooksCall, "input" | "context">;

function print(list: readonly WebhookDelivery[], { input, context }: Screen): void {
  if (flag(input, "json")) {
    context.out(`${JSON.stringify(list, undefined, 2)}\n`);
    return;
  }
  const rows = list.map(({ messageId, type, status, attemptCount, lastOutcome = "", createdAt }) => [
    messageId,
    type,
    status,
    attemptCount,
    lastOutcome,
    createdAt,
  ]);
  if (rows.length > 0) context.out(table([["message", "type", "status", "attempts", "last", "created"], ...rows]));
  context.err(`${count(rows.length, "message")}\n`);
}

/** The secret alone goes to standard output, so that a script can take it. */
function saySecret({ webhook, secret }: WebhookSecretAnswer, { input, context }: Screen): void {
  if (flag(input, "json")) {
    context.out(`${JSON.stringify({ webhook, secret }, undefined, 2)}\n`);
    return;
  }
  const name = paint(context, "bold", webhook.name);
  context.err(
    `${name} is ${webhook.webhookId}, told of ${webhook.types.join(" and ")}; its secret is not shown again:\n`,
  );
  context.out(`${secret}\n`);
}

function pathOf(id: string | undefined): string {
  if (id === undefined) throw new UsageError("name the webhook by its id; `handlebar webhooks list` shows them");
  return `/v1/webhooks/${encodeURIComponent(id)}`;
}
