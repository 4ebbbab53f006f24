/*
 * The tables as queries see them. Ids and JSON are text, times epoch milliseconds, flags 0 or 1, so that both databases hold the same
 * values. Every key leads with the workspace.
 */

type Flag = 0 | 1;

export interface WorkspaceRow {
  readonly workspace_id: string;
  readonly name: string;
  readonly created_at_ms: number;
  readonly change_seq: number;
  readonly revision: number;
}

export interface ChangeRow {
  readonly workspace_id: string;
  readonly seq: number;
  readonly revision: number;
  readonly kind: string;
  readonly ref: string;
  readonly at_ms: number;
}

export interface KeyRow {
  readonly workspace_id: string;
  readonly key_id: string;
  readonly name: string;
  readonly secret_hash: string;
  readonly scopes: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number | null;
  readonly last_used_at_ms: number | null;
  readonly revoked_at_ms: number | null;
  readonly replaced_by: string | null;
  readonly person: string | null;
}

export interface AgentRow {
  readonly workspace_id: string;
  readonly agent_id: string;
  readonly slug: string;
  /** The whole `Agent`. */
  readonly body: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly last_seen_at_ms: number;
}

export interface ToolRow {
  readonly workspace_id: string;
  readonly agent_id: string;
  readonly name: string;
  readonly version: number;
  readonly body: string;
  readonly first_seen_at_ms: number;
  readonly changed_at_ms: number;
  /** Set while the agent's inventory does not have it. */
  readonly removed_at_ms: number | null;
}

export type ToolVersionRow = Omit<ToolRow, "removed_at_ms">;

export interface ClientRow {
  readonly workspace_id: string;
  readonly agent_id: string;
  readonly client_id: string;
  readonly revision: number;
  readonly lockdown_ids: string;
  readonly refused: string | null;
  /** 0 when it has not said anything yet. */
  readonly acked_at_ms: number;
  readonly seen_at_ms: number;
  readonly lockdown_revision: number;
  readonly enforce_mode: string | null;
}

export interface LockdownAckRow {
  readonly workspace_id: string;
  readonly lockdown_id: string;
  readonly agent_id: string;
  readonly client_id: string;
  readonly acked_at_ms: number;
  readonly from_start: number;
}

export interface PolicyRow {
  readonly workspace_id: string;
  readonly policy_id: string;
  readonly version: number;
  readonly body: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly updated_by: string;
  readonly deleted_at_ms: number | null;
}

export interface PolicyVersionRow {
  readonly workspace_id: string;
  readonly policy_id: string;
  readonly version: number;
  readonly body: string | null;
  readonly comment: string | null;
  readonly created_at_ms: number;
  readonly created_by: string;
  /** The state's revision that it came with; 0 for one from before revisions were kept. */
  readonly revision: number;
  /** The person whose key it was, or what the key was called then. */
  readonly made_by: string | null;
  readonly origin: string | null;
  /** The version that was promoted, or that it went back to. */
  readonly from_version: number | null;
}

/** What one version of a policy would have done while it was in shadow. */
export interface ShadowCountRow {
  readonly workspace_id: string;
  readonly policy_id: string;
  readonly version: number;
  readonly decision_count: number;
  readonly block_count: number;
  readonly hold_count: number;
  readonly redact_count: number;
  readonly first_at_ms: number;
  readonly last_at_ms: number;
}

export interface LockdownRow {
  readonly workspace_id: string;
  readonly lockdown_id: string;
  readonly body: string;
  readonly revision: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly until_ms: number | null;
  readonly lifted_at_ms: number | null;
  readonly lifted_by: string | null;
}

export interface ApprovalRow {
  readonly workspace_id: string;
  readonly approval_id: string;
  readonly run_id: string;
  readonly fingerprint: string;
  readonly agent: string;
  readonly status: string;
  readonly requested_at_ms: number;
  readonly expires_at_ms: number;
  /** The whole `Approval`. */
  readonly body: string;
  readonly votes: string;
  readonly taken_by: string | null;
  /** The key that asked. */
  readonly requested_by: string | null;
  /** When it ends; set while it waits for an answer or for its use. */
  readonly open_until_ms: number | null;
}

export interface AuditRow {
  readonly workspace_id: string;
  readonly audit_id: string;
  readonly at_ms: number;
  readonly action: string;
  readonly ref: string;
  readonly key_id: string | null;
  readonly person: string | null;
  readonly detail: string;
}

export interface WebhookRow {
  readonly workspace_id: string;
  readonly webhook_id: string;
  /** Its settings. */
  readonly body: string;
  readonly secrets: string;
  readonly created_at_ms: number;
}

export interface WebhookDeliveryRow {
  readonly workspace_id: string;
  readonly webhook_id: string;
  readonly message_id: string;
  readonly type: string;
  /** What the message tells of, as it was then. */
  readonly data: string;
  readonly status: string;
  readonly created_at_ms: number;
  readonly give_up_at_ms: number;
  /** Set while there is an attempt to come. */
  readonly next_attempt_at_ms: number | null;
  readonly attempt_count: number;
  readonly last_attempt_at_ms: number | null;
  readonly last_outcome: string | null;
}

export interface BudgetHeadRow {
  readonly workspace_id: string;
  readonly key_text: string;
  readonly key: string;
  /** The window that it was used with last. */
  readonly window_ms: number;
  readonly used_at_ms: number;
}

/** What was spent of a budget up to a moment, since the bucket before. */
export interface BudgetBucketRow {
  readonly workspace_id: string;
  readonly key_text: string;
  readonly end_ms: number;
  readonly used: number;
}

export interface LeaseRow {
  readonly workspace_id: string;
  readonly key_text: string;
  readonly lease_id: string;
  readonly client_id: string;
  readonly granted: number;
  readonly spent: number;
  readonly expires_at_ms: number;
  readonly status: string;
  /** The bucket that holds what an expired lease is taken to have spent, and how much that is. */
  readonly assumed_end_ms: number | null;
  readonly assumed: number;
}

export interface RunRow {
  readonly workspace_id: string;
  readonly run_id: string;
  readonly agent: string;
  readonly session_id: string | null;
  readonly actor_external_id: string | null;
  readonly actor: string | null;
  readonly model: string | null;
  readonly tags: string;
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly status: string | null;
  readonly event_count: number;
  readonly seq_max: number;
  readonly dropped_count: number;
  readonly decision_count: number;
  readonly block_count: number;
  readonly last_event_at_ms: number | null;
}

export interface DroppedRangeRow {
  readonly workspace_id: string;
  readonly run_id: string;
  readonly from_seq: number;
  readonly to_seq: number;
}

export interface RunStateRow {
  readonly workspace_id: string;
  readonly run_id: string;
  readonly started_at_ms: number;
  readonly snapshot: string;
  readonly is_terminated: Flag;
  readonly version: number;
  readonly used_at_ms: number;
}

export interface SessionLabelRow {
  readonly workspace_id: string;
  readonly session_id: string;
  readonly label: string;
  readonly used_at_ms: number;
}

export interface EventTableRow {
  readonly workspace_id: string;
  readonly event_id: string;
  readonly run_id: string;
  readonly seq: number;
  readonly agent: string;
  readonly session_id: string | null;
  readonly actor_external_id: string | null;
  readonly kind: string;
  /** The time in the event's id. */
  readonly ts_ms: number;
  readonly tool: string | null;
  readonly verdict: string | null;
  readonly cause: string | null;
  readonly rule_id: string | null;
  readonly json: string;
}

export interface JobRow {
  readonly name: string;
  readonly holder: string;
  readonly until_ms: number;
}

export interface SchemaVersionRow {
  readonly version: number;
  readonly name: string;
  readonly applied_at_ms: number;
}

/** Every table by its name. */
export interface Database {
  readonly workspaces: WorkspaceRow;
  readonly change_log: ChangeRow;
  readonly api_keys: KeyRow;
  readonly agents: AgentRow;
  readonly agent_tools: ToolRow;
  readonly agent_tool_versions: ToolVersionRow;
  readonly agent_clients: ClientRow;
  readonly policies: PolicyRow;
  readonly policy_versions: PolicyVersionRow;
  readonly policy_shadow_counts: ShadowCountRow;
  readonly lockdowns: LockdownRow;
  readonly lockdown_acks: LockdownAckRow;
  readonly approvals: ApprovalRow;
  readonly audit_log: AuditRow;
  readonly webhooks: WebhookRow;
  readonly webhook_deliveries: WebhookDeliveryRow;
  readonly budget_heads: BudgetHeadRow;
  readonly budget_buckets: BudgetBucketRow;
  readonly budget_leases: LeaseRow;
  readonly runs: RunRow;
  readonly dropped_ranges: DroppedRangeRow;
  readonly run_states: RunStateRow;
  readonly session_labels: SessionLabelRow;
  readonly events: EventTableRow;
  readonly job_leases: JobRow;
  readonly schema_versions: SchemaVersionRow;
}
