import {
  ERROR_CODES,
  HandlebarError,
  type HandlebarErrorCode,
  type Problem,
  parseValue,
  problemSchema,
} from "@handlebar/protocol";
import { type CommandContext, type CommandInput, type CommandOptions, textOption, UsageError } from "./command.ts";
import { timeoutSignal } from "./host-clock.ts";

/** The options of every command that asks a control plane. */
export const API_OPTIONS: CommandOptions = { server: { type: "string" }, "api-key": { type: "string" } };
export const API_OPTION_HELP: Readonly<Record<string, string>> = {
  server: "the control plane (HANDLEBAR_API_ENDPOINT; default http://127.0.0.1:4747)",
  "api-key": "the API key (HANDLEBAR_API_KEY); better in the environment, where other users do not see it",
};

const DEFAULT_SERVER = "http://127.0.0.1:4747";
const REQUEST_TIMEOUT_MS = 60_000;

/** Parameters of a query; a list gives one several times. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface ApiRequest<S extends Schema> {
  readonly body?: unknown;
  readonly query?: Query | undefined;
  /** What the answer looks like; without it the answer's body is not read. */
  readonly schema?: S;
  readonly signal?: AbortSignal;
}

type Schema = Parameters<typeof parseValue>[0];
type Output<S extends Schema> = Extract<ReturnType<typeof parseValue<S>>, { readonly ok: true }>["value"];

/** One message of an event stream. */
export interface StreamMessage {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** The control plane as commands ask it: an answer that is not a success is thrown, with the server's own words. */
export class ApiClient {
  readonly server: string;
  readonly #apiKey: string;

  constructor(server: string, apiKey: string) {
    this.server = server.replace(/\/+$/, "");
    this.#apiKey = apiKey;
  }

  /** @throws HandlebarError `HB_API_UNREACHABLE`, `HB_API_BAD_ANSWER`, or the code of the server's refusal. */
  async request<S extends Schema>(method: string, path: string, request: ApiRequest<S> = {}): Promise<Output<S>> {
    const timeout = timeoutSignal(REQUEST_TIMEOUT_MS);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
    const response = await this.#fetch(method, path, { ...request, signal, accept: "application/json" });
    const text = await response.text();
    // Without a schema the caller reads nothing of the answer.
    if (request.schema === undefined) return undefined as Output<S>;
    const parsed = parseValue(request.schema, parseJson(text));
    if (parsed.ok) return parsed.value;
    const [issue] = parsed.issues;
    const message = `the answer to ${method} ${path} is not a control plane's: ${issue?.path} ${issue?.message}`;
    throw new HandlebarError("HB_API_BAD_ANSWER", message);
  }

  /** Hands on the messages of an event stream until it ends or `signal` fires. */
  async stream(
    path: string,
    options: {
      /** Default GET. */
      readonly method?: string;
      readonly body?: unknown;
      readonly query?: Query | undefined;
      readonly lastEventId?: string | undefined;
      readonly signal: AbortSignal;
      readonly onMessage: (message: StreamMessage) => void;
    },
  ): Promise<void> {
    try {
      const response = await this.#fetch(options.method ?? "GET", path, { ...options, accept: "text/event-stream" });
      if (response.body !== null) await readMessages(response.body, options.onMessage);
    } catch (error) {
      if (!options.signal.aborted) throw error;
    }
  }

  async #fetch(
    method: string,
    path: string,
    request: Pick<ApiRequest<Schema>, "body" | "query" | "signal"> & {
      readonly accept: string;
      readonly lastEventId?: string | undefined;
    },
  ): Promise<Response> {
    const url = new URL(`${this.server}${path}`);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) for (const one of [value].flat()) url.searchParams.append(name, String(one));
    }
    const headers = {
      authorization: `Bearer ${this.#apiKey}`,
      accept: request.accept,
      ...(request.body === undefined ? {} : { "content-type": "application/json" }),
      ...(request.lastEventId === undefined ? {} : { "last-event-id": request.lastEventId }),
    };
    const response = await fetch(url, {
      method,
      headers,
      redirect: "error",
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    }).catch((error: unknown) => {
      throw unreachable(this.server, error);
    });
    if (response.ok) return response;
    throw refusal(response.status, problemSchema.safeParse(parseJson(await response.text())).data);
  }
}

/** The control plane that the options and the environment name. */
export function serverUrl(input: CommandInput, { env }: Pick<CommandContext, "env">): string {
  const server = textOption(input, "server") || env["HANDLEBAR_API_ENDPOINT"] || DEFAULT_SERVER;
  if (/^https?:\/\/[^/]/.test(server)) return server.replace(/\/+$/, "");
  throw new UsageError(`\`${server}\` is not a URL; write \`https://host:port\``);
}

/** The client that the options and the environment name. */
export function apiClient(input: CommandInput, context: CommandContext): ApiClient {
  const apiKey = textOption(input, "api-key") ?? context.env["HANDLEBAR_API_KEY"] ?? "";
  if (apiKey !== "") return new ApiClient(serverUrl(input, context), apiKey);
  throw new UsageError(
    "there is no API key; set HANDLEBAR_API_KEY to one that `handlebar serve` or `handlebar keys create` printed",
  );
}

async function readMessages(
  body: ReadableStream<Uint8Array>,
  onMessage: (message: StreamMessage) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const blocks = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const message = parseMessage(block);
      if (message !== undefined) onMessage(message);
    }
  }
}

/** `undefined` for a block without data, such as a comment. */
function parseMessage(block: string): StreamMessage | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  const data = fields.get("data");
  return data === undefined ? undefined : { event: fields.get("event") ?? "message", id: fields.get("id"), data };
}

function unreachable(server: string, cause: unknown): HandlebarError {
  const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
  const message = `${server} cannot be reached (${why}); start it with \`handlebar serve\`, or name another with --server`;
  return new HandlebarError("HB_API_UNREACHABLE", message, { cause });
}

function refusal(status: number, problem: Problem | undefined): HandlebarError {
  if (problem === undefined) {
    return new HandlebarError(
      "HB_API_BAD_ANSWER",
      `the answer with status ${status} is not a control plane's; check --server`,
    );
  }
  const issues = problem.issues?.map(({ field, message }) => `\n  ${field}: ${message}`) ?? [];
  const code = isKnown(problem.code) ? problem.code : "HB_API_REJECTED";
  const details = { status, problem };
  return new HandlebarError(code, `${problem.detail ?? problem.title}${issues.join("")}`, {
    field: problem.field,
    details,
  });
}

function isKnown(code: string): code is HandlebarErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
