/** The world as a command sees it: given, so that tests run commands in their own process. */
export interface CommandContext {
  /** Writes data. */
  readonly out: (text: string) => void;
  /** Writes talk: progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly cwd: string;
  /** Talk goes to a person who watches: a progress line may be rewritten. */
  readonly isTty: boolean;
  readonly hasColour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the person or the system asks the command to end: commands that go on for ever end then. */
  readonly interrupted: AbortSignal;
}

/** What a command was asked. */
export interface CommandInput {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
}

/** The options of a command, as `parseArgs` of Node takes them. */
export type CommandOptions = Readonly<Record<string, CommandOption>>;

interface CommandOption {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean | undefined;
  /** May stand without a value, which is then the empty text. */
  readonly isValueOptional?: boolean | undefined;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Lines after the name in the usage. */
  readonly usage: string;
  /** What `help <name>` says below the usage. */
  readonly details: string;
  readonly options: CommandOptions;
  /** What each option means, for help. */
  readonly optionHelp: Readonly<Record<string, string>>;
  /** Gives the exit code. */
  run(input: CommandInput, context: CommandContext): number | Promise<number>;
}

/** Wrong use of a command: told with the usage and without a stack. */
export class UsageError extends Error {}

export function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.values[name];
  return typeof value === "string" ? value : undefined;
}

export function textOptions(input: CommandInput, name: string): readonly string[] {
  const value = input.values[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

export function flag(input: CommandInput, name: string): boolean {
  return input.values[name] === true;
}
