/**
 * What is read of the AI SDK's objects, as far as versions 6 and 7 agree on it. The adapter names none of the SDK's own types, so
 * that it fits whichever version the program has; what goes in comes out with the program's own types.
 */
export interface SdkTool {
  readonly type?: string | undefined;
  readonly description?: unknown;
  readonly metadata?: unknown;
  readonly execute?: ((input: unknown, options: SdkToolOptions) => unknown) | undefined;
  readonly needsApproval?: boolean | ((input: unknown, options: SdkToolOptions) => unknown) | undefined;
}

export type SdkTools = Readonly<Record<string, SdkTool>>;

export interface SdkToolOptions {
  readonly toolCallId: string;
  readonly messages?: readonly unknown[] | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

export type ProviderOptions = Readonly<Record<string, unknown>>;

/** One part of a prompt's message or of a model's answer. */
export interface SdkPart {
  readonly type: string;
  readonly text?: string | undefined;
  readonly toolCallId?: string | undefined;
  readonly toolName?: string | undefined;
  /** An object in a prompt, JSON text in an answer. */
  readonly input?: unknown;
  readonly output?: SdkOutput | undefined;
  readonly result?: unknown;
  readonly isError?: boolean | undefined;
  readonly mediaType?: string | undefined;
  readonly filename?: string | undefined;
  readonly providerExecuted?: boolean | undefined;
  readonly providerOptions?: ProviderOptions | undefined;
  readonly providerMetadata?: ProviderOptions | undefined;
}

export interface SdkOutput {
  readonly type: string;
  readonly value?: unknown;
  readonly reason?: string | undefined;
}

/** A message of a prompt as a model gets it. */
export interface SdkMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | readonly SdkPart[];
}

export interface SdkCallOptions {
  readonly prompt: readonly SdkMessage[];
  readonly tools?: readonly SdkToolDefinition[] | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

export interface SdkToolDefinition {
  readonly type: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema?: unknown;
}

export interface SdkAnswer {
  readonly content: readonly SdkPart[];
  readonly finishReason: unknown;
  readonly usage: unknown;
  readonly response?: { readonly body?: unknown } | undefined;
}

/** A part of a streamed answer. */
export interface SdkStreamPart extends SdkPart {
  readonly id?: string | undefined;
  readonly delta?: string | undefined;
  readonly error?: unknown;
  readonly finishReason?: unknown;
  readonly usage?: unknown;
}

export interface SdkStream {
  readonly stream: ReadableStream<SdkStreamPart>;
}

/** A language model, of whichever version of the provider interface. */
export interface SdkModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: SdkCallOptions): PromiseLike<SdkAnswer>;
  doStream(options: SdkCallOptions): PromiseLike<SdkStream>;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Whether a value is a model and not the id of one. */
export function isModel(value: unknown): value is SdkModel {
  return isObject(value) && (typeof value["doGenerate"] === "function" || typeof value["doStream"] === "function");
}
