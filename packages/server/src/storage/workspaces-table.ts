export interface WorkspaceRecord {
  readonly workspaceId: string;
  readonly name: string;
  readonly createdAtMs: number;
}

/** Workspaces: every other row belongs to one. */
export interface WorkspacesTable {
  /** Creates it unless it exists; false when it did. */
  create(workspace: WorkspaceRecord): Promise<boolean>;
  get(workspaceId: string): Promise<WorkspaceRecord | undefined>;
  list(): Promise<readonly WorkspaceRecord[]>;
}
