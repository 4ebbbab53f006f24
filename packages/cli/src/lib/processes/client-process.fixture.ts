import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ProcessBudget } from "./process-budgets.fixture.ts";

const SCRIPT = fileURLToPath(new URL("./budget-client.fixture.ts", import.meta.url));

/** What a client process is to do. */
export interface ClientOrders {
  readonly name: string;
  readonly seed: string;
  readonly origin: string;
  readonly apiKey: string;
  readonly budgets: readonly ProcessBudget[];
  readonly witnessFolder: string;
}

/** What it tells of itself; the truth is what its witness wrote. */
export type ClientMessage =
  | { readonly kind: "used"; readonly budget: string; readonly amount: number }
  | { readonly kind: "done" };

/** A process that uses shared budgets. */
export interface ClientProcess {
  /** Every budget refuses it. */
  readonly isDone: boolean;
  /** Ends it at once, whatever it is doing. */
  kill(): Promise<void>;
  /** Ends it in order: it gives back what it has. */
  leave(): Promise<void>;
}

/** @param on.message told of everything that it says. @param on.failed told when it ends by itself. */
export function startClientProcess(
  orders: ClientOrders,
  on: { readonly message: (message: ClientMessage) => void; readonly failed: (error: Error) => void },
): ClientProcess {
  const child = fork(SCRIPT, [JSON.stringify(orders)], {
    execArgv: ["--conditions=@handlebar/source"],
    env: {},
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const errors: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  let isDone = false;
  let isMeant = false;
  // Only a client process sends here.
  child.on("message", (message) => {
    const told = message as ClientMessage;
    if (told.kind === "done") isDone = true;
    on.message(told);
  });
  const gone = once(child, "exit").then(([code, signal]: unknown[]) => {
    const isRight = isMeant && (code === 0 || signal === "SIGKILL");
    if (!isRight) on.failed(new Error(`${orders.name} ended with ${code ?? signal}: ${errors.join("")}`));
  });
  return {
    get isDone() {
      return isDone;
    },
    kill: () => {
      isMeant = true;
      child.kill("SIGKILL");
      return gone;
    },
    leave: () => {
      isMeant = true;
      child.send("leave");
      return gone;
    },
  };
}
