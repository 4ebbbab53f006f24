export type { CommandContext } from "./lib/command.ts";
export { EXIT } from "./lib/exit-codes.ts";
export { main } from "./lib/main.ts";
export { runCommand } from "./lib/run-command.ts";
