/**
 * Every bound of the server in one place.
 */

/** Bytes of a request's body, once inflated, where its route says nothing else. */
export const BODY_SIZE_BYTES_MAX = 1_048_576;

/** Levels of nesting of a request's body: an event's arguments have at most 32 (the engine's bound), a policy's conditions 32 of two levels each. */
export const BODY_DEPTH_MAX = 96;

/** Bytes of all bodies in memory at once. Beyond it requests are refused before their body is read. */
export const BODIES_SIZE_BYTES_MAX = 268_435_456;

/** Issues that one problem lists. */
export const PROBLEM_ISSUE_COUNT_MAX = 20;

/** API keys that a process remembers, each with its rate limit. */
export const KEY_CACHE_ENTRY_COUNT_MAX = 10_000;

/** How long a key that was read is used without looking again; changes come through the change feed sooner. */
export const KEY_CACHE_TTL_MS = 30_000;

/** Look-ups a second of keys that nobody knows: guesses must not reach the database without bound. */
export const UNKNOWN_KEY_LOOKUPS_PER_SECOND_MAX = 200;

/** Bytes that a stream's client may leave unread before it is dropped; it resumes with `Last-Event-ID`. */
export const STREAM_BUFFER_SIZE_BYTES_MAX = 1_048_576;

/** Between looks at where every workspace stands: how late a change is seen whose hint was lost. */
export const CHANGE_POLL_MS = 1_000;

/** Changes read at once. */
export const CHANGE_PAGE_COUNT = 256;

/** Workspaces whose policies one process holds compiled; the one used longest ago leaves first. */
export const SNAPSHOT_COUNT_MAX = 1_000;

/** Agents for which a snapshot remembers which policies are theirs; past it, it starts over. */
export const SNAPSHOT_AGENT_COUNT_MAX = 10_000;

/** Times that a snapshot is read anew because policies changed while it was read; after that it goes out under the older revision. */
export const SNAPSHOT_READ_COUNT_MAX = 3;

/** Agents, and inventories of tools, that one process remembers of one workspace. */
export const AGENT_CACHE_COUNT_MAX = 10_000;

/** How long a registration that comes again as it was is not written again; `lastSeenAt` of an agent is exact to this. */
export const REGISTRATION_FRESH_MS = 60_000;

/** How long a request may be held for a change, whatever it asks for: proxies cut at 30 or 60 seconds. */
export const WAIT_SECONDS_MAX = 30;

/** Between messages of a stream on which nothing happens. Clients give up after three missed ones. */
export const HEARTBEAT_SECONDS = 15;

/** Streams that are written to before other work gets its turn, about 30 ms: acknowledgements of the first would hold up the last ones. */
export const STREAM_TURN_COUNT = 2_048;

/** How often the last use of a key is written down. */
export const KEY_TOUCH_EVERY_MS = 60_000;

/** States of runs (and of shared windows that cannot be leased) that a process keeps in memory; what leaves is read again. */
export const STATE_COUNT_MAX = 20_000;

/** Bytes of those states together, as their JSON text has them. */
export const STATES_SIZE_BYTES_MAX = 134_217_728;

/** Times that a decision is made again because another process changed the run in between. */
export const STATE_ATTEMPT_COUNT_MAX = 8;

/** Runs whose status a process remembers. */
export const RUN_STATUS_COUNT_MAX = 50_000;

/** How long a run's status is used without looking again, where other processes may end the run. */
export const RUN_STATUS_TTL_MS = 5_000;

/** Prompts of one run that are remembered as noted; a further one is noted again, which costs room alone. */
export const RUN_PROMPT_COUNT_MAX = 1_024;

/** Sets compiled for requests that name their policies, kept beside one revision. */
export const POLICY_SUBSET_COUNT_MAX = 64;

/** Agents for which one policy set remembers whether it reads the state of runs. */
export const READS_STATE_AGENT_COUNT_MAX = 4_096;

/** How long a call that reserved an estimate may take before the estimate counts as spent. */
export const RESERVATION_TTL_MS = 900_000;

/** Reservations of calls in flight that a process knows the leases of. */
export const RESERVATION_COUNT_MAX = 100_000;

/** Times that a decision is made again because a shared window's room went to another call. */
export const SHARED_ATTEMPT_COUNT_MAX = 3;

/** Bytes of a registration: 1,000 tools with the schemas of their arguments. */
export const AGENT_BODY_SIZE_BYTES_MAX = 8_388_608;

/** Entries of one page of a list, where the request does not say. */
export const LIST_PAGE_COUNT = 100;

/** Entries that one page of a list may be asked for. */
export const LIST_PAGE_COUNT_MAX = 1_000;

/** How long people have to answer a held call, where its rule does not say. */
export const APPROVAL_EXPIRY_SECONDS = 3_600;

/** Approvals of one call, the newest of them, that are looked through for the one that stands. */
export const CALL_APPROVAL_COUNT_MAX = 100;

/** Approvals that are ended in one transaction when nobody answered in time. */
export const APPROVAL_EXPIRE_COUNT = 500;

/** Agents that policies are checked against when they are saved. */
export const POLICY_CHECK_AGENT_COUNT_MAX = 10_000;

/** Tools, of all agents together, that policies are checked against when they are saved. */
export const POLICY_CHECK_TOOL_COUNT_MAX = 50_000;

/** Findings of policies, and findings of agents, that one answer of a check tells of. */
export const POLICY_CHECK_FINDING_COUNT_MAX = 1_000;

/** Names of tools in one finding. */
export const POLICY_CHECK_TOOL_NAME_COUNT_MAX = 20;

/** Lists of policies that meet in one agent, of which each is checked when one of them has an error. */
export const POLICY_CHECK_LIST_COUNT_MAX = 64;

/** Rules that are checked at once, within a tenth of a second; more of them go to a thread of their own. */
export const POLICY_CHECK_INLINE_RULE_COUNT_MAX = 50;

/** Checks of policies that may wait for the thread. */
export const POLICY_CHECK_WAITING_COUNT_MAX = 64;

/** How long one check of policies may take. */
export const POLICY_CHECK_TIMEOUT_MS = 30_000;

/** Times that a write of policies is tried when somebody else wrote in between. */
export const POLICY_WRITE_ATTEMPT_COUNT_MAX = 3;

/** Bytes of a request that carries policies. */
export const POLICY_BODY_SIZE_BYTES_MAX = 8_388_608;

/** A client that was not heard from for longer counts as gone: it neither obeys a stop order nor is it late. */
export const CLIENT_LIVE_MS = 86_400_000;

/** Clients of a workspace that are looked at, those heard from last. */
export const CLIENT_COUNT_MAX = 10_000;

/** A client that was not heard from for longer, and does not obey, is not waited for: it ended without a word, or is cut off. */
export const CLIENT_COUNTED_MS = 900_000;

/** How far what the store has may lag behind when a client was last heard from. */
export const CLIENT_SEEN_EVERY_MS = 30_000;

/** Clients that one process remembers having heard from. */
export const CLIENT_PRESENCE_COUNT_MAX = 100_000;

/** Points of the course of a lockdown's acknowledgements. */
export const LOCKDOWN_COURSE_POINT_COUNT_MAX = 50;

/** Lockdowns in one list. */
export const LOCKDOWN_LIST_COUNT_MAX = 1_000;

/** Clients that are named as not obeying a stop order yet. */
export const LOCKDOWN_STRAGGLER_COUNT_MAX = 100;

/** How long changes of the control plane are kept for processes that read them late; past it they start from a whole state. */
export const CHANGE_RETENTION_MS: number = 86_400_000;

/** How long a client that is not heard of is remembered. */
export const CLIENT_RETENTION_MS: number = 7 * 86_400_000;

/** How long the state of a run that the server decides for is kept after its last use. */
export const RUN_STATE_RETENTION_MS: number = 7 * 86_400_000;

/** How far back shared windows are kept: longer windows than a year and a month forget what lies before it. */
export const BUDGET_RETENTION_MS: number = 400 * 86_400_000;

/** How far ahead of this machine's clock an event may lie, and its `ts` from its id: clocks differ, and events are stored by day. */
export const EVENT_AHEAD_MS_MAX = 86_400_000;

/** UTF-16 code units of one event's JSON text. */
export const EVENT_LENGTH_MAX = 1_048_576;

/** UTF-16 code units of what an answer says of one refused event: clients read no more than 64 KiB of it all. */
export const EVENT_MESSAGE_LENGTH_MAX = 200;

/** Bytes of a batch of events, once inflated. */
export const INGEST_BODY_SIZE_BYTES_MAX = 8_388_608;

/** Events that may wait to be written, and their bytes; beyond it batches are refused. */
export const EVENTS_WAITING_COUNT_MAX = 50_000;
export const EVENTS_WAITING_SIZE_BYTES_MAX = 67_108_864;

/** When a refused batch should come again. */
export const OVERLOADED_RETRY_SECONDS = 1;

/** Spans that wait to be sent to a collector; later ones are dropped and counted. */
export const SPAN_QUEUE_COUNT_MAX = 4_096;

/** Spans sent at once. */
export const SPAN_BATCH_COUNT_MAX = 512;

/** How often a tail looks for events that other processes stored, how far back by the time in their ids, and how many of one look. */
export const TAIL_POLL_MS = 1_000;
export const TAIL_REACH_MS = 10_000;
export const TAIL_PAGE_COUNT = 500;

/** Ids of events that were shown and are remembered, for each workspace that is watched. */
export const TAIL_SEEN_COUNT_MAX = 20_000;

/** Buckets of one request for statistics, and how many it has where it does not say. */
export const STATS_BUCKET_COUNT_MAX = 1_000;
export const STATS_BUCKET_COUNT = 100;

/** How long a client may spend a lease of a shared budget. */
export const LEASE_TTL_MS = 10_000;

/**
 * How much longer than its client the control plane takes a lease to hold: by so much may a client's clock be slow, and the database's be put forward,
 * while a lease lasts.
 */
export const LEASE_SKEW_MS_MAX = 2_000;

/** The share of a budget that one lease has at most, if the calls at hand do not need more: what a client that dies may take with it. */
export const LEASE_SHARE_MAX: number = 1 / 100;

/** After how long a client asks again for whom others were asked to give back what they do not need. */
export const LEASE_RECALL_RETRY_MS = 150;

/** How long others have to answer a recall; whoever has not by then is taken to be gone, or to need what it has. */
export const LEASE_RECALL_PATIENCE_MS = 1_500;

/** Leases that are called back at once. */
export const LEASE_RECALL_COUNT_MAX = 64;

/** Recalls that a process remembers. */
export const LEASE_RECALL_MEMORY_COUNT_MAX = 10_000;

/** Bytes of a request to decide: a conversation of about a million tokens. */
export const CHECK_BODY_SIZE_BYTES_MAX = 8_388_608;

/** Runs of older clients whose open calls are remembered, and open calls of one run. */
export const LEGACY_RUN_COUNT_MAX = 10_000;
export const LEGACY_CALL_COUNT_MAX = 1_024;

/** Events that one commit takes; more only when one request brings them. */
export const EVENT_COMMIT_COUNT_MAX = 1_000;

/** Budget operations that one commit takes; more only when one request brings them. */
export const BUDGET_COMMIT_COUNT_MAX = 1_000;

/** Characters of run states that one commit takes. */
export const RUN_STATE_COMMIT_SIZE_MAX = 8_388_608;

/** Other writes that share one commit of the embedded store. */
export const SQLITE_COMMIT_WRITE_COUNT_MAX = 64;

/** Turns of the event loop without a new write before those that wait are committed on SQLite, some ten microseconds each. */
export const SQLITE_COMMIT_QUIET_TURN_COUNT = 4;

/** Searches of the embedded store that may wait; past it they are refused before memory grows. */
export const SQLITE_SEARCH_COUNT_MAX = 256;

/** How long one search of the embedded store may take before it is given up. */
export const SQLITE_SEARCH_TIME_MAX_MS = 30_000;

/** Prepared statements that a connection of the embedded store keeps; the one used longest ago leaves first. */
export const SQLITE_STATEMENT_COUNT_MAX = 500;

/** Entries of one budget's window beyond which older ones are put together. */
export const BUDGET_ENTRY_COUNT_MAX = 512;

/** Entries of a budget's window that stay exact, the newest ones, when older ones are put together. */
export const BUDGET_EXACT_ENTRY_COUNT = 256;

/** How long a lease that is done is known, so that a message about it that comes again changes nothing. */
export const BUDGET_LEASE_KEPT_MS = 3_600_000;

/** Gaps in a run's sequence numbers that are listed. */
export const RUN_GAP_COUNT_MAX = 1_000;

/** Replays that one process runs at once: each keeps a core busy. */
export const REPLAY_COUNT_MAX = 2;

/** Heap of one replay's thread, in MiB. */
export const REPLAY_HEAP_MIB_MAX = 1_024;

/** Events that a replay reads at once, and UTF-16 code units of their texts that it aims at. Two such pages are in memory. */
export const REPLAY_PAGE_COUNT_MAX = 1_000;
export const REPLAY_PAGE_LENGTH = 2_097_152;

/** How often a replay says how far it is, at most. */
export const REPLAY_PROGRESS_MS = 250;

/** Times that a replay reads a page anew when the database is out of reach or busy, and how long it waits in between. */
export const REPLAY_READ_ATTEMPT_COUNT_MAX = 5;
export const REPLAY_READ_RETRY_MS = 1_000;

/** The longest stretch before its range that a replay reads where its request does not say. */
export const REPLAY_LEAD_IN_SECONDS_MAX = 86_400;

/** How long a request that took an approval's one use may come again, after its answer was lost, and get it again. */
export const APPROVAL_REPEAT_MS = 30_000;

/** How long a message to a webhook is tried. */
export const WEBHOOK_GIVE_UP_MS = 86_400_000;

/** Webhooks of one workspace. */
export const WEBHOOK_COUNT_MAX = 32;

/** How long one request to a webhook may take, from the look-up of its name to its answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;

/** Bytes of one request to a webhook; longer arguments are left out. Of an answer no more are read. */
export const WEBHOOK_SIZE_BYTES_MAX = 65_536;

/** Webhooks that one process sends to at once, and messages to one of them. */
export const WEBHOOK_LANE_COUNT_MAX = 16;
export const WEBHOOK_LANE_WIDTH = 4;

/** How long a message that was taken is left alone by other processes: longer than an attempt takes. */
export const WEBHOOK_LEASE_MS = 60_000;

/** Before a message is tried again: it doubles from the first to the second, and has as much as half taken off by chance. */
export const WEBHOOK_RETRY_BASE_MS = 5_000;
export const WEBHOOK_RETRY_MAX_MS = 3_600_000;

/** How long the old secret signs beside the new one, where a rotation does not say. */
export const WEBHOOK_GRACE_SECONDS = 86_400;

/** How long messages that were delivered or given up are kept. */
export const WEBHOOK_RETENTION_MS: number = 7 * 86_400_000;

/** UTF-16 code units of arguments in the text that chat tools show. */
export const WEBHOOK_SHOWN_LENGTH_MAX = 1_500;

/** Policies in shadow that one decision is counted for. */
export const SHADOW_OUTCOME_COUNT_MAX = 256;

/** Clients that are named where policies are shown with who has them: those that do not have the newest first. */
export const ACK_CLIENT_COUNT_MAX = 100;
