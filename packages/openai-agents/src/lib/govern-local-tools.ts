import { getCurrentRun } from "@handlebar/core";
import type { AnyRun } from "@handlebar/core/adapter";
import type {
  ApplyPatchResult,
  ApplyPatchTool,
  ComputerTool,
  Editor,
  EditorInvocationContext,
  ShellResult,
  ShellTool,
} from "@openai/agents";
import { type AskedCall, type LedgerCall, ledgerOf } from "./call-ledger.ts";
import { decidedCall, startCall } from "./tool-call.ts";

const GOVERNED = Symbol.for("handlebar.openai-agents.local-tool.v1");

/** How a tool that the framework runs without guardrails is run under policy. */
interface LocalCall<T> {
  readonly asked: AskedCall;
  readonly execute: () => Promise<T>;
  /** The outcome that tells the model of a denial, of the type that the tool has. */
  readonly denied: (message: string) => T;
}

async function runLocal<T>({ asked, execute, denied }: LocalCall<T>): Promise<T> {
  const run = getCurrentRun();
  if (run === undefined) return execute();
  const call = await decidedCall(run, ledgerOf(run), asked);
  const stopped = startCall(run, call);
  if (stopped !== undefined) return denied(stopped.message);
  try {
    const result = await execute();
    const after = await finish(run, call, { result });
    // Redaction keeps the type: it changes text only.
    return after.verdict === "BLOCK" ? denied(after.message) : (after.result as T);
  } catch (error) {
    if (ledgerOf(run).open().includes(call)) await finish(run, call, { error });
    throw error;
  }
}

async function finish(
  run: AnyRun,
  call: LedgerCall,
  outcome: { readonly result?: unknown; readonly error?: unknown },
): Promise<Awaited<ReturnType<AnyRun["afterTool"]>>> {
  const ledger = ledgerOf(run);
  ledger.settle(call);
  const after = await run.afterTool(call.decision, outcome);
  ledger.noteStop([after]);
  return after;
}

/** A shell that runs here. A denied command was not run, and its error output says why. */
export function governShell(tool: ShellTool): void {
  pauseWhenHeld(tool, "shell");
  const { shell } = tool;
  if (shell === undefined || GOVERNED in shell) return;
  const run: typeof shell.run = (action) =>
    runLocal<ShellResult>({
      asked: { callId: undefined, name: "shell", argsText: JSON.stringify(action), kind: "shell" },
      execute: () => shell.run(action),
      denied: (message) => ({
        output: [{ stdout: "", stderr: message, outcome: { type: "exit", exitCode: null } }],
      }),
    });
  tool.shell = facade(shell, { run });
}

/** An editor that patches files. A denied patch has failed, and its output says why. */
export function governApplyPatch(tool: ApplyPatchTool): void {
  pauseWhenHeld(tool, "apply_patch");
  const { editor } = tool;
  if (GOVERNED in editor) return;
  const governed =
    <TOperation>(own: (operation: TOperation, context?: EditorInvocationContext) => Promise<ApplyPatchResult | void>) =>
    (operation: TOperation, context?: EditorInvocationContext): Promise<ApplyPatchResult | void> =>
      runLocal<ApplyPatchResult | void>({
        asked: { callId: undefined, name: "apply_patch", argsText: JSON.stringify(operation), kind: "apply_patch" },
        execute: () => own.call(editor, operation, context),
        denied: (message) => ({ status: "failed", output: message }),
      });
  tool.editor = facade<Editor>(editor, {
    createFile: governed(editor.createFile),
    updateFile: governed(editor.updateFile),
    deleteFile: governed(editor.deleteFile),
  });
}

/** A computer shows nothing but pictures, so a denied action is taken out of the model's answer; a held one pauses the agent. */
export function governComputer(tool: ComputerTool): void {
  pauseWhenHeld(tool, "computer");
}

type Held = { needsApproval: (...args: never[]) => Promise<boolean> };

function pauseWhenHeld(tool: Held, name: string): void {
  const own = tool.needsApproval;
  if (GOVERNED in own) return;
  const needsApproval = async (...args: never[]): Promise<boolean> => {
    const run = getCurrentRun();
    const callId: unknown = args[2];
    const isHeld = run !== undefined && ledgerOf(run).isHeld(name, typeof callId === "string" ? callId : undefined);
    return isHeld || own(...args);
  };
  tool.needsApproval = Object.defineProperty(needsApproval, GOVERNED, { value: true });
}

function facade<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    has: (own, key) => key === GOVERNED || Reflect.has(own, key),
    get: (own, key) => {
      if (Object.hasOwn(methods, key)) return Reflect.get(methods, key);
      const value: unknown = Reflect.get(own, key, own);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });
}
