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
    env,
    get interrupted() {
      return interruptedSignal();
    },
  });
}

let interruption: AbortController | undefined;

/** Only a command that asks for it takes signals over: others end at once, as every program does. A second signal ends this one too. */
function interruptedSignal(): AbortSignal {
  if (interruption === undefined) {
    const controller = new AbortController();
    interruption = controller;
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());
  }
  return interruption.signal;
}
