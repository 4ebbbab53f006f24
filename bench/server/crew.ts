import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Several processes of one script, which are asked and answer all at once. */
export class Crew {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /** Resolves when each of them said its first word. */
  static async start(script: string, argsOf: readonly (readonly string[])[]): Promise<Crew> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const children = argsOf.map((args) => fork(path, [...args]));
    await Promise.all(children.map((child) => answerOf(child)));
    return new Crew(children);
  }

  /** What each of them answers. */
  ask<T>(question: string): Promise<readonly T[]> {
    return Promise.all(
      this.#children.map((child) => {
        const answer = answerOf<T>(child);
        child.send(question);
        return answer;
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map((child) => {
        const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
        child.disconnect();
        return ended;
      }),
    );
  }
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`${child.spawnargs[1]} ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message as T);
    });
  });
}

/** Milliseconds of the clock that all processes of one machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
