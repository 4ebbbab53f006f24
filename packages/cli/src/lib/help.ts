import type { Command } from "./command.ts";

/** What `handlebar help` prints. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  const lines = commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return `handlebar: a control plane and policies for AI agents

usage: handlebar <command> [options]

${lines.join("\n")}

  handlebar help <command>   what a command takes
  handlebar --version        the version

exit codes: 0 all is well, 1 something was found or failed, 2 wrong use or input that cannot be read
`;
}

/** What `handlebar help <command>` prints. */
export function commandHelp(command: Command): string {
  const options = Object.keys(command.options).map((name) => {
    const { type, isValueOptional } = command.options[name] ?? {};
    const takes = type !== "string" ? "" : isValueOptional === true ? " [value]" : " <value>";
    return [`--${name}${takes}`, command.optionHelp[name] ?? ""] as const;
  });
  const width = Math.max(0, ...options.map(([left]) => left.length));
  const lines = options.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return `handlebar ${command.name} ${command.usage}

${command.summary}

${command.details}
${lines.length === 0 ? "" : `\noptions:\n${lines.join("\n")}\n`}`;
}
