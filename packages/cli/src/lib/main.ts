import { runCommand } from "./run-command.ts";

/** The `handlebar` command on this process: gives the exit code and ends nothing itself. */
export async function main(): Promise<number> {
  const { stdout, stderr, argv, env } = process;
  // A reader that went away, such as `head`, is no error of ours.
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  return runCommand(argv.slice(2), {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    cwd: process.cwd(),
    isTty: stderr.isTTY === true,
    hasColour: stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "",
  });
}
