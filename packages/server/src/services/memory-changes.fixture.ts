import type { ChangeKind, ChangeMark, ChangeRecord, ChangesTable } from "../storage/changes-table.ts";

const WITH_REVISION: readonly ChangeKind[] = ["policies", "lockdowns", "agents"];

/** A change log in memory whose hints can be lost and whose reads can fail. */
export interface MemoryChanges extends ChangesTable {
  /** Hints reach whoever listens. */
  hasHints: boolean;
  failure: Error | undefined;
  /** How many times it was read. */
  readonly readCount: number;
  record(workspaceId: string, kind: ChangeKind, ref: string): ChangeMark;
}

export function memoryChanges(): MemoryChanges {
  const log: ChangeRecord[] = [];
  const marks = new Map<string, ChangeMark>();
  const listeners = new Set<(workspaceId: string) => void>();
  let forgottenBeforeMs = 0;
  let readCount = 0;
  const markOf = (workspaceId: string): ChangeMark => marks.get(workspaceId) ?? { workspaceId, seq: 0, revision: 0 };
  const read = async <T>(make: () => T): Promise<T> => {
    readCount++;
    if (changes.failure !== undefined) throw changes.failure;
    return make();
  };
  const changes: MemoryChanges = {
    hasHints: true,
    failure: undefined,
    get readCount() {
      return readCount;
    },
    record: (workspaceId, kind, ref) => {
      const { seq, revision } = markOf(workspaceId);
      const mark = { workspaceId, seq: seq + 1, revision: revision + (WITH_REVISION.includes(kind) ? 1 : 0) };
      marks.set(workspaceId, mark);
      log.push({ ...mark, kind, ref, atMs: mark.seq });
      if (changes.hasHints) for (const listener of listeners) listener(workspaceId);
      return mark;
    },
    marks: () => read(() => [...marks.values()]),
    mark: (workspaceId) => read(() => markOf(workspaceId)),
    since: (workspaceId, seq, limit) =>
      read(() =>
        log
          .filter(
            (change) => change.workspaceId === workspaceId && change.seq > seq && change.atMs >= forgottenBeforeMs,
          )
          .slice(0, limit),
      ),
    append: async (workspaceId, kind, ref) => changes.record(workspaceId, kind, ref),
    listen: (onHint) => {
      listeners.add(onHint);
      return () => listeners.delete(onHint);
    },
    prune: async (beforeMs) => {
      forgottenBeforeMs = beforeMs;
      return 0;
    },
  };
  return changes;
}
