import { Worker } from "node:worker_threads";
import type { ReplayReport } from "@handlebar/policies";
import type { HandlebarErrorCode, Policy, Tool } from "@handlebar/protocol";
import { REPLAY_HEAP_MIB_MAX } from "../limits.ts";
import { ServiceProblem } from "./problem.ts";

/** What a replay decides by. */
export interface ReplayThreadData {
  /** Ids filled in, expressions prepared. */
  readonly policies: readonly Policy[];
  readonly tools: readonly Tool[] | undefined;
  readonly failClosed: boolean | undefined;
}

/** Some events, in the order of the record. */
export interface ReplayPage {
  /** JSON texts. */
  readonly texts: readonly string[];
  /** They come before the time that is asked about. */
  readonly isLeadIn: boolean;
}

export type ReplayThreadRequest = ({ readonly kind: "page" } & ReplayPage) | { readonly kind: "finish" };

export type ReplayThreadAnswer =
  | { readonly kind: "fed" }
  | { readonly kind: "report"; readonly report: ReplayReport }
  | { readonly kind: "failed"; readonly code: HandlebarErrorCode | undefined; readonly message: string };

interface Waiting {
  readonly resolve: (answer: Exclude<ReplayThreadAnswer, { readonly kind: "failed" }>) => void;
  readonly reject: (error: unknown) => void;
}

/** A replay in a thread of its own: deciding a million calls again must hold up nothing else. Its memory has a bound. */
export class ReplayThread {
  readonly #worker: Worker;
  #waiting: Waiting | undefined;
  /** Why nothing more can be asked. */
  #over: Error | undefined;

  /** @param options.heapMibMax how much it may remember. */
  constructor(data: ReplayThreadData, { heapMibMax = REPLAY_HEAP_MIB_MAX }: { readonly heapMibMax?: number } = {}) {
    const isSource = import.meta.url.endsWith(".ts");
    const file = isSource ? "./replay-worker.ts" : "./replay-worker.js";
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: data,
      execArgv: isSource ? ["--conditions=@handlebar/source"] : [],
      resourceLimits: { maxOldGenerationSizeMb: heapMibMax },
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: ReplayThreadAnswer) => this.#take(answer));
    this.#worker.on("error", (error) => this.#fail(isOutOfMemory(error) ? tooLarge(heapMibMax) : error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread of a replay ended by itself")));
  }

  /** Takes the next events in; one page after the other. @throws ServiceProblem `HB_REPLAY_TOO_LARGE`. */
  async feed(page: ReplayPage): Promise<void> {
    await this.#ask({ kind: "page", ...page });
  }

  /** What was found. */
  async finish(): Promise<ReplayReport> {
    const answer = await this.#ask({ kind: "finish" });
    if (answer.kind === "report") return answer.report;
    throw new Error("the thread of a replay has no report");
  }

  /** Ends the thread; what was asked of it is refused with `why`. Idempotent. */
  async end(why: Error): Promise<void> {
    this.#fail(why);
    await this.#worker.terminate();
  }

  #ask(request: ReplayThreadRequest): Promise<Exclude<ReplayThreadAnswer, { readonly kind: "failed" }>> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) {
        reject(this.#over);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(request);
    });
  }

  #take(answer: ReplayThreadAnswer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (answer.kind !== "failed") waiting?.resolve(answer);
    else if (answer.code === undefined) waiting?.reject(new Error(answer.message));
    else waiting?.reject(new ServiceProblem("invalid", answer.code, { message: answer.message }));
  }

  #fail(error: Error): void {
    this.#over ??= error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(this.#over);
  }
}

function isOutOfMemory(error: Error): boolean {
  return "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function tooLarge(heapMibMax: number): ServiceProblem {
  const message = `the replay needs more than ${heapMibMax} MiB; replay a shorter time, or one agent, actor or session alone`;
  return new ServiceProblem("too-large", "HB_REPLAY_TOO_LARGE", { message });
}
