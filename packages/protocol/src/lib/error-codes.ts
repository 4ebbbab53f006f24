/** What an error code means and what to do about it; `spec/errors.json` and the error pages are made from this table. */
export interface ErrorEntry {
  readonly meaning: string;
  readonly fix: string;
}

/** Every error code, sorted. A code is never renamed or given another meaning. */
export const ERROR_CODES = {
  HB_API_AUTH: {
    meaning: "the control plane refused the API key",
    fix: "check HANDLEBAR_API_KEY or `apiKey`, and that the key has not expired or been revoked",
  },
  HB_API_BAD_ANSWER: {
    meaning: "the endpoint answered, and the answer is not a control plane's",
    fix: "check `endpoint`; a proxy or captive portal may be answering in its place",
  },
  HB_API_REJECTED: {
    meaning: "the control plane refused a request as wrong",
    fix: "read the problem's `code` and `field`; client and server versions may not fit",
  },
  HB_API_UNREACHABLE: {
    meaning: "the control plane cannot be reached or did not answer in time",
    fix: "check `endpoint` and the network; decisions follow the fail mode meanwhile",
  },
  HB_APPROVAL_EXPIRED: {
    meaning: "an approval was not answered in time",
    fix: "ask again; raise the rule's `approval.expiresInSeconds` when people need longer",
  },
  HB_APPROVAL_TERMS: {
    meaning: "the terms of an approval do not allow this answer",
    fix: "let somebody answer whom the rule's `approval` names, and not the one who asked; say who in `by`",
  },
  HB_APPROVAL_UNAVAILABLE: {
    meaning: "an approval could not be created or read, so the held call is blocked",
    fix: "connect a control plane, or give a local `onApproval` handler",
  },
  HB_CASE_INVALID: {
    meaning: "a policy case does not have the form of the case schema",
    fix: "correct the field that the message names",
  },
  HB_CASE_UNKNOWN_FIELD: {
    meaning: "a policy case has a field that does not exist",
    fix: "correct its spelling as the message suggests, or remove it",
  },
  HB_CONFIG_INVALID: {
    meaning: "a configuration field has the wrong type or value",
    fix: "correct the field that the message names",
  },
  HB_CONFIG_NOTHING_GOVERNED: {
    meaning: "neither an API key nor policies were given, so nothing is governed",
    fix: 'set HANDLEBAR_API_KEY, pass `policies`, or set `enforceMode: "off"` if that is meant',
  },
  HB_CONFIG_UNKNOWN_FIELD: {
    meaning: "a configuration field does not exist",
    fix: "remove it or correct its spelling",
  },
  HB_CONFLICT: {
    meaning: "what a request changes is no longer as the request expects it",
    fix: "read it again, and send the change anew on top of what is there",
  },
  HB_EVENT_INVALID: {
    meaning: "an event does not have the form of an audit event, so that the control plane did not store it",
    fix: "correct what the message names; the other events of its batch were taken",
  },
  HB_EVENT_UNSERIALISABLE: {
    meaning: "an event has no JSON form within the bounds, so an error event stands in its place",
    fix: "look at what the run's `context`, arguments and results hold: throwing getters and proxies cannot be recorded",
  },
  HB_FACTS_INVALID: {
    meaning: "the facts of a call do not have their form, so it could not be decided and is blocked",
    fix: "pass facts as `Facts` describes them; an adapter may hand over something else",
  },
  HB_KEY_SCOPE: {
    meaning: "the API key lacks the scope that a route needs",
    fix: "use a key with that scope; `handlebar keys` lists the keys with theirs",
  },
  HB_METHOD_NOT_ALLOWED: {
    meaning: "a path exists, and not with this HTTP method",
    fix: "use one of the methods that the answer's `Allow` header names",
  },
  HB_NOT_FOUND: {
    meaning: "what a request names does not exist in the key's workspace",
    fix: "correct the id or path; `/openapi.json` lists the routes",
  },
  HB_OVERLOADED: {
    meaning: "the control plane has as much waiting as it may keep in memory, and took nothing of the request",
    fix: "send it again after the seconds of `Retry-After`",
  },
  HB_POLICY_AGENT_UNGOVERNED: {
    meaning: "no policy that is enforced is for a registered agent",
    fix: "give a policy's agent selector its slug or tag, or promote the one that is in shadow",
  },
  HB_POLICY_AGENT_UNKNOWN: {
    meaning: "no registered agent fits a policy's agent selector",
    fix: "correct the slug or tag, or register the agent first",
  },
  HB_POLICY_ALLOW_USELESS: {
    meaning: "an `allow` rule changes nothing, since its policy lets through what no rule matched",
    fix: "set the policy's `default` to `block` or `hitl`, or remove the rule",
  },
  HB_POLICY_ALWAYS_TRUE: {
    meaning: "a condition can never be false",
    fix: "correct it, or remove it if the rule is meant for every call",
  },
  HB_POLICY_ARG_FROM_RELAXES: {
    meaning: "`argFrom` is used where it would let a call through",
    fix: "use it in a rule whose effect is block, hitl or redact; it may only tighten a decision",
  },
  HB_POLICY_ARG_TYPE_MISMATCH: {
    meaning: "an argument is compared with what it cannot be by its tool's schema",
    fix: "compare it as the type, or with one of the values, that the schema gives it",
  },
  HB_POLICY_ARG_UNKNOWN: {
    meaning: "a path leads to an argument that no selected tool has",
    fix: "correct the path as the message suggests, or the tool's argument schema",
  },
  HB_POLICY_BLOCKS_EVERYTHING: {
    meaning: "a rule blocks or holds every call",
    fix: "give it a tool selector or a condition, unless that is meant",
  },
  HB_POLICY_DUPLICATE_ID: {
    meaning: "two policies, or two rules of one policy, have the same id",
    fix: "give each its own `id` or name",
  },
  HB_POLICY_DUPLICATE_RULE: {
    meaning: "a rule says the same as another one",
    fix: "remove one of the two",
  },
  HB_POLICY_EXPR_INVALID: {
    meaning: "an expression does not parse or type-check",
    fix: "correct the expression at the place the message names",
  },
  HB_POLICY_EXPR_NOT_PREPARED: {
    meaning: "a policy given inline has an expression that was not parsed",
    fix: "load it with `@handlebar/policies` or `@handlebar/core/node`, or pass it through `prepareExpressions` of `@handlebar/engine/check`",
  },
  HB_POLICY_FILE_UNREADABLE: {
    meaning: "a policy file or directory cannot be read, or holds no policy file",
    fix: "check the path and its permissions; policy files end in `.yaml`, `.yml` or `.json`",
  },
  HB_POLICY_FLOW_UNGUARDED: {
    meaning: "private data, untrusted content and a way out meet, and no rule looks at where data goes",
    fix: "describe the sources in `flow.sources` and test their labels where data leaves",
  },
  HB_POLICY_INVALID: {
    meaning: "a policy does not have the form of the policy schema",
    fix: "correct the field that the message names",
  },
  HB_POLICY_LABEL_UNKNOWN: {
    meaning: "a label is not among the labels that the policy declares",
    fix: "correct its spelling, or add it to `flow.labels`",
  },
  HB_POLICY_LABEL_UNTESTED: {
    meaning: "a label is added or declared, and no rule tests it",
    fix: "test it in a `label` condition, or remove it",
  },
  HB_POLICY_LABEL_WITHOUT_SOURCE: {
    meaning: "a label is tested, and nothing adds it",
    fix: "add a source for it to `flow.sources`, or correct its spelling",
  },
  HB_POLICY_LIMIT: {
    meaning: "a policy is larger, deeper or more numerous than its bound",
    fix: "split or simplify it; the message names the bound",
  },
  HB_POLICY_NAME_UNKNOWN: {
    meaning: "a metric, signal or custom condition is not registered, so that its condition is unknown",
    fix: "correct its spelling, or register it",
  },
  HB_POLICY_NEVER_TRUE: {
    meaning: "a condition can never be true",
    fix: "correct what contradicts itself",
  },
  HB_POLICY_PATH_INVALID: {
    meaning: "a path cannot be read",
    fix: 'write `a.b`, `items[].price`, `items[0]`, `a["x.y"]` or `**`',
  },
  HB_POLICY_PHASE_IMPOSSIBLE: {
    meaning: "a rule asks for what its phase does not have",
    fix: "use another phase, or ask for what that phase carries",
  },
  HB_POLICY_REGEX_INVALID: {
    meaning: "a regular expression is not one that runs in linear time",
    fix: "use RE2 syntax: no look-around and no back-references",
  },
  HB_POLICY_RULE_SHADOWED: {
    meaning: "a rule changes nothing, since another one covers every call that it matches",
    fix: "remove it, or correct one of the two",
  },
  HB_POLICY_RULE_UNREACHABLE: {
    meaning: "no registered agent of a rule's policy has a tool that the rule can match",
    fix: "correct the tool selector, what the condition asks of the tool, or the policy's agents",
  },
  HB_POLICY_SYNTAX: {
    meaning: "a policy file is not valid YAML or JSON",
    fix: "correct the text at the line and column that the message names",
  },
  HB_POLICY_TIMEZONE_UNKNOWN: {
    meaning: "a time zone does not exist",
    fix: "use an IANA name such as `Europe/Berlin`",
  },
  HB_POLICY_TOOL_UNKNOWN: {
    meaning: "no registered tool fits a tool selector or name",
    fix: "correct its spelling as the message suggests, or register the tool first",
  },
  HB_POLICY_TOOL_UNTAGGED: {
    meaning: "registered tools have neither tags nor a classification, so that no rule by tag can match them",
    fix: "register them with tags or a classification",
  },
  HB_POLICY_UNKNOWN_FIELD: {
    meaning: "a policy has a field that does not exist",
    fix: "correct its spelling as the message suggests, or remove it",
  },
  HB_RATE_LIMITED: {
    meaning: "an API key makes more requests than it may",
    fix: "wait for the seconds of `Retry-After`, or raise the limit in the server's configuration",
  },
  HB_READING_UNAVAILABLE: {
    meaning: "a shared window could not be read",
    fix: "the rule's `onUnavailable`, else the fail mode, decided; check the link to the control plane",
  },
  HB_REPLAY_TOO_LARGE: {
    meaning: "a replay needs more memory than it may have",
    fix: "replay a shorter time, or one agent, actor or session alone",
  },
  HB_REQUEST_ENCODING: {
    meaning: "a request's body is not what its `Content-Encoding` says",
    fix: "send gzip that inflates, or the body as it is without `Content-Encoding`",
  },
  HB_REQUEST_INVALID: {
    meaning: "a request's body, query or path does not have the form that its route takes",
    fix: "correct the field that the problem names; `/openapi.json` describes each route",
  },
  HB_REQUEST_MEDIA_TYPE: {
    meaning: "a request's body is of a media type that the route does not take",
    fix: "send JSON, with `Content-Type: application/json`",
  },
  HB_REQUEST_TOO_LARGE: {
    meaning: "a request's body is larger, or nested deeper, than its route takes",
    fix: "send smaller batches; the message names the bound",
  },
  HB_RUN_CONFIG_INVALID: {
    meaning: "a field given to `startRun` has the wrong type or value",
    fix: "correct the field that the message names",
  },
  HB_SERVER_FAILED: {
    meaning: "the control plane failed at a request through a fault of its own",
    fix: "try again; the server's log has the error under the answer's request id",
  },
  HB_SERVER_NODE_VERSION: {
    meaning: "the control plane cannot run on this version of Node.js",
    fix: "run it on Node.js 22.19 or later",
  },
  HB_SERVER_STOPPING: {
    meaning: "the control plane is stopping and takes no new requests",
    fix: "try again; another process, or this one once restarted, answers",
  },
  HB_SINK_FAILED: {
    meaning: "a sink threw, rejected or did not finish",
    fix: "look at the cause; events for this sink may be lost and are counted",
  },
  HB_STATE_CACHE_FAILED: {
    meaning:
      "the last good state could not be kept or was left aside, so a start without the control plane has no state",
    fix: "read the message: the folder must be the program's own and writable; after a change of API key the file is written anew",
  },
  HB_STATE_NOT_READY: {
    meaning: "the first call came before the control plane answered",
    fix: "wait for `hb.ready()` at start-up, raise `initTimeoutMs`, or give inline policies",
  },
  HB_STATE_REFUSED: {
    meaning: "a revision from the control plane was refused and the last good one stays",
    fix: "correct the policy that the message names; `handlebar check` shows the same error",
  },
  HB_STATE_SNAPSHOT_INVALID: {
    meaning: "a snapshot of a run's state cannot be read",
    fix: "restore only what `snapshotRunState` of this or an earlier version gave; else start a new run",
  },
  HB_STATE_STALE: {
    meaning: "the control plane has been out of reach for longer than `staleAfterMs`",
    fix: "restore the link; decisions follow the fail mode meanwhile",
  },
  HB_STORE_LOCKED: {
    meaning: "another process holds the store's folder",
    fix: "stop that process, or give this one its own folder; for several processes use PostgreSQL",
  },
  HB_STORE_MIGRATION: {
    meaning: "the store's tables could not be brought to this version's form",
    fix: "look at the cause; nothing was changed, and the version before still runs",
  },
  HB_STORE_NETWORK_FS: {
    meaning: "the store's folder lies on a network file system, where SQLite's locks do not hold",
    fix: "put the folder on a local disk, or use PostgreSQL",
  },
  HB_STORE_TOO_NEW: {
    meaning: "the store was written by a later version",
    fix: "run that version or a later one; or restore a backup that this one made",
  },
  HB_STORE_UNAVAILABLE: {
    meaning: "the database does not answer",
    fix: "look at the database and the connection to it; requests go on as soon as it answers",
  },
  HB_USER_FUNCTION_FAILED: {
    meaning: "a signal, extractor, metric or custom condition of yours threw, was too slow or is not registered",
    fix: "look at the error; the rule's `onUnknown` decided meanwhile",
  },
} as const satisfies Record<string, ErrorEntry>;

/** A stable, documented error code. */
export type HandlebarErrorCode = keyof typeof ERROR_CODES;
