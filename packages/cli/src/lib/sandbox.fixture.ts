import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CommandContext } from "./command.ts";
import { runCommand } from "./run-command.ts";

/** A folder of its own with these files. */
export function sandbox(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "hb-cli-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs `handlebar <args>` in this process, by default as a program would. */
export async function handlebarAs(
  screen: Pick<CommandContext, "cwd"> & Partial<CommandContext>,
  ...args: readonly string[]
): Promise<Ran> {
  const ran: Ran = { code: 0, out: "", err: "" };
  ran.code = await runCommand(args, {
    out: (text) => {
      ran.out += text;
    },
    err: (text) => {
      ran.err += text;
    },
    isTty: false,
    hasColour: false,
    env: {},
    interrupted: new AbortController().signal,
    ...screen,
  });
  return ran;
}

export function handlebar(cwd: string, ...args: readonly string[]): Promise<Ran> {
  return handlebarAs({ cwd }, ...args);
}

export const POLICY = `name: refunds
rules:
  - name: large
    on: tool.before
    tool: { name: refund }
    when: { kind: toolArg, path: amount, type: number, op: gt, value: 500 }
    effect: { type: block }
`;

/** A row of recorded traffic, as a line. */
export function line(row: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ run_id: "r1", tool: "refund", args: {}, ...row })}\n`;
}
