/** What an editor shows for a definition of the policy schema and for its fields. */
export interface Description {
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

const ON_MISSING =
  "What an absent value makes of the condition: `skip` (default) not held, `match` held, `unknown` decided by the rule's `onUnknown`.";
const OP = "The operator; it decides what `value` may be.";
const VALUE = "What the value read is compared with.";
const IGNORE_CASE = "Fold case before comparing. Default false.";
const SCOPE =
  "Whose calls are added up: this run, its session, the agent, the actor, one agent acting for one actor, the actor's group, or everything.";
const WINDOW =
  "Rolling window in seconds. Absent takes everything since the run began; required for every scope but `run`.";
const COUNTED = "Which calls count.";
const TEXT_COMPARISON = { op: OP, value: VALUE, ignoreCase: IGNORE_CASE };
const COMPARISON = {
  ...TEXT_COMPARISON,
  type: "The type that the value read must have, or the condition is unknown; `any` only asks whether there is one.",
};
const QUANTIFIER = "For a path with many values: one of them suffices (`any`, default) or all must hold.";
const REASON = "Why, for people and for the audit trail; a model may be shown it.";
const CONTROL = "`TERMINATE` also ends the run. Default `CONTINUE`.";

export const POLICY_DESCRIPTIONS: Readonly<Record<string, Description>> = {
  Policy: {
    text: "A named set of rules with an agent selector and a mode.",
    fields: {
      id: "Unique in a workspace. Derived from the name when absent.",
      name: "What people call it.",
      description: "What it is for.",
      enabled: "Default true.",
      mode: "`shadow` evaluates and reports, and changes nothing. Default `enforce`.",
      agents: "Which agents it is for. Absent takes every agent.",
      default:
        "What becomes of a call, in a phase that its rules name, that none of them matched: `block` with `allow` rules is an allow-list. Default `allow`.",
      flow: "Where labels come from, and how far values in results can be trusted.",
      rules: "Its rules; their order does not matter.",
    },
  },
  PolicyList: { text: "Several policies in one file.", fields: { policies: "The policies." } },
  AgentSelector: {
    text: "Which agents a policy is for; every field given must hold.",
    fields: {
      anyOfSlugs: "The agent's slug is one of these.",
      anyOfTags: "The agent has at least one of these tags.",
      allOfTags: "The agent has all of these tags.",
    },
  },
  ToolSelector: {
    text: "Which tools it is about; every field given must hold, and an empty one takes every tool.",
    fields: {
      name: "A glob over the tool's name (`*` and `?`), or several of which one must match.",
      tagsAny: "The tool has at least one of these tags.",
      tagsAll: "The tool has all of these tags.",
    },
  },
  Rule: {
    text: "A phase, a tool selector, a condition and an effect.",
    fields: {
      id: "Unique in its policy. Derived from the name when absent.",
      name: "What people call it.",
      description: "What it is for.",
      enabled: "Default true.",
      priority: "Decides between rules of the same effect; higher first. Default 0.",
      on: "The phase or phases in which it is asked.",
      tool: "Which tools it is about. Absent takes every tool.",
      when: "What must hold for it to match. Absent always holds.",
      effect:
        "What it asks for when it matches. The most severe effect of all matching rules wins: block, hitl, redact, allow.",
      onUnknown:
        "What a condition that could not be evaluated does. Default `match` for block, hitl and redact, `skip` for allow.",
      onUnavailable: "What a shared reading out of reach does. Default: the client's fail mode.",
      exact: "Ask the control plane for an exact reading of shared windows instead of spending a lease. Default false.",
    },
  },
  AllowEffect: {
    text: "Let the call through; never overrides a block.",
    fields: { type: "The effect.", reason: REASON },
  },
  RedactEffect: {
    text: "Rewrite what the phase carries, then let it through.",
    fields: { type: "The effect.", reason: REASON, redact: "What to replace, and how." },
  },
  HitlEffect: {
    text: "Hold the call until a person has approved it.",
    fields: { type: "The effect.", reason: REASON, control: CONTROL, approval: "How the held call may be answered." },
  },
  BlockEffect: { text: "Refuse the call.", fields: { type: "The effect.", reason: REASON, control: CONTROL } },
  Redaction: {
    text: "What a redaction replaces: what detectors find (below `paths` when given), or the whole values at `paths`.",
    fields: {
      detectors: "Which findings are replaced.",
      paths: "Dot paths such as `customer.email` or `items[].note`.",
      method:
        "`mask` (default) writes what was there, `hash` a keyed digest that stays equal for equal values, `remove` nothing.",
    },
  },
  ApprovalTerms: {
    text: "How a held call may be answered.",
    fields: {
      expiresInSeconds: "An unanswered request ends as denied after this. Default 3600.",
      approvalsNeeded: "How many different people must approve. Default 1.",
      approvers: "Who may answer. Absent lets anyone with the right to approve.",
      notRequester: "The actor of the run may not answer. Default false.",
    },
  },
  Flow: {
    text: "Where labels come from and how long they stay.",
    fields: {
      labels: "Every label of this policy; when given, another name is an error.",
      sources: "The tools whose results mark the run.",
      strict: "A tool without tags that no source names adds every label and is untrusted. Default false.",
      defaultTrust: "How values of results that no source's `trust` covers count. Default `untrusted`.",
      scope: "Labels stay with the run (default) or with every run of its session.",
    },
  },
  FlowSource: {
    text: "A tool whose results mark the run, and how far values in them can be trusted.",
    fields: {
      tool: "Which tools. Absent takes every tool.",
      fields: "Which parts of the result: dot paths, or `freeText`. Absent takes the whole.",
      when: "Only for results that this holds for.",
      add: "Labels that the run gets.",
      trust: "How `argFrom` takes values seen there.",
    },
  },
  ToolNameCondition: {
    text: "Compares the tool's name.",
    fields: { kind: "Compares the tool's name.", ...TEXT_COMPARISON },
  },
  ToolTagCondition: {
    text: "Asks which tags the tool has.",
    fields: {
      kind: "Asks which tags the tool has.",
      anyOf: "At least one of these.",
      allOf: "All of these.",
      noneOf: "None of these.",
    },
  },
  ToolArgCondition: {
    text: "Compares an argument of the call, or a part of its result.",
    fields: {
      kind: "Compares an argument of the call, or a part of its result.",
      path: 'Dot path: `a.b`, `items[].price`, `items[0]`, `a["x.y"]`; `**` is every leaf.',
      in: "Read the call's arguments (default) or, in `tool.after`, its result.",
      quantifier: QUANTIFIER,
      onMissing: ON_MISSING,
      ...COMPARISON,
    },
  },
  ActorCondition: {
    text: "Compares something that is known about the actor or its group.",
    fields: {
      kind: "Compares something that is known about the actor or its group. `enduserTag` is the older name.",
      path: "`externalId`, `name`, `metadata.<key>`, or the same below `group.`.",
      onMissing: ON_MISSING,
      ...TEXT_COMPARISON,
    },
  },
  RunTagCondition: {
    text: "Compares a tag of the run.",
    fields: { kind: "Compares a tag of the run.", tag: "The tag's name.", onMissing: ON_MISSING, ...TEXT_COMPARISON },
  },
  ContextCondition: {
    text: "Compares a part of the run's context, which the host gave.",
    fields: {
      kind: "Compares a part of the run's context, which the host gave.",
      path: "Dot path into the context.",
      quantifier: QUANTIFIER,
      onMissing: ON_MISSING,
      ...COMPARISON,
    },
  },
  MaxCallsCondition: {
    text: "Holds for the call that would be one too many.",
    fields: {
      kind: "Holds for the call that would be one too many.",
      scope: SCOPE,
      max: "Holds for the call that would be number `max + 1`.",
      windowSeconds: WINDOW,
      tool: `${COUNTED} Absent counts those the rule selects.`,
      warnAt: "Decisions warn from this share of `max` on, above 0 and at most 1, such as 0.8.",
    },
  },
  SequenceCondition: {
    text: "Asks what was called earlier in the run.",
    fields: {
      kind: "Asks what was called earlier in the run.",
      called: "Each of these was let through earlier.",
      notCalled: "None of these was.",
    },
  },
  CallPattern: {
    text: "One earlier call; every field given must hold.",
    fields: {
      name: "A glob over the tool's name, or several of which one must match.",
      tagsAny: "The tool has at least one of these tags.",
      tagsAll: "The tool has all of these tags.",
      outcome: "How the call ended. Absent takes calls that were let through, whatever came of them.",
      withinSeconds: "The call was decided at most this many seconds ago.",
    },
  },
  ExecutionTimeCondition: {
    text: "Compares how long the run, or this call, has taken.",
    fields: {
      kind: "Compares how long the run, or this call, has taken.",
      scope: "Since the run started, or (in the after phases) how long this call took.",
      op: OP,
      valueMs: "The threshold in milliseconds.",
    },
  },
  TimeGateCondition: {
    text: "Holds inside one of the windows; use `not` for outside.",
    fields: {
      kind: "Holds inside one of the windows; use `not` for outside.",
      windows: "Stretches of the week.",
      timezone: "Whose local time.",
      onMissing: ON_MISSING,
    },
  },
  TimeWindow: {
    text: "A stretch of the week in local time: `start` is inside, `end` is not; a `start` after `end` crosses midnight; equal ones are the whole day.",
    fields: { days: "The days on which it starts.", start: "`HH:MM`.", end: "`HH:MM`, up to `24:00`." },
  },
  TimeZoneSource: {
    text: "An IANA zone such as `Europe/Berlin`, or where the actor's is written.",
    fields: { actor: "A path as in the `actor` condition.", fallback: "The zone where the actor has none." },
  },
  MetricWindowCondition: {
    text: "Compares an aggregate of a metric over a window, this call included.",
    fields: {
      kind: "Compares an aggregate of a metric over a window, this call included.",
      scope: SCOPE,
      metric: "A standard metric such as `llm_cost_usd` or `duration_ms`, or the host's own.",
      aggregate: "How the window's values become one.",
      windowSeconds: WINDOW,
      op: OP,
      value: "The threshold, in the metric's unit.",
      estimate: "What one call that has not ended is assumed to add. Default 0.",
      tool: `${COUNTED} Absent counts all.`,
      warnAt:
        "Decisions warn from this share of `value` on, above 0 and at most 1; only where a `sum` or `count` is to stay below a `value` above 0.",
    },
  },
  SubjectCondition: {
    text: "Compares an entity that the host's extractor found in the call.",
    fields: {
      kind: "Compares an entity that the host's extractor found in the call.",
      subjectType: "What it is, such as `patient`.",
      role: "Its part in the call, such as `recipient`.",
      idSystem: "Which system's identifier it is.",
      onMissing: ON_MISSING,
      ...TEXT_COMPARISON,
    },
  },
  SignalCondition: {
    text: "Compares a value from the host's own function.",
    fields: {
      kind: "Compares a value from the host's own function.",
      signal: "The name under which the host registered the function.",
      onMissing: ON_MISSING,
      ...COMPARISON,
    },
  },
  SensitiveDataCondition: {
    text: "Holds where detectors find sensitive data.",
    fields: {
      kind: "Holds where detectors find sensitive data.",
      in: "Where to look. Absent looks at what the phase carries.",
      detectors: "Which detectors. Absent uses every one.",
      path: "Look only below this path.",
      min: "How many findings it takes. Default 1.",
    },
  },
  LabelCondition: {
    text: "Asks which labels the run has.",
    fields: {
      kind: "Asks which labels the run has.",
      allOf: "All of these.",
      anyOf: "At least one of these.",
      noneOf: "None of these.",
    },
  },
  ArgFromCondition: {
    text: "Asks where an argument's values came from. May tighten a decision, never relax one.",
    fields: {
      kind: "Asks where an argument's values came from.",
      paths: "The arguments to trace; a path to an object or list traces every leaf below it.",
      origins: "Holds when a value's most trusted origin is one of these.",
      onMissing: ON_MISSING,
    },
  },
  ExprCondition: {
    text: "An expression, for what the other conditions cannot say.",
    fields: {
      kind: "An expression, for what the other conditions cannot say.",
      lang: "The Common Expression Language.",
      src: "The expression; it must come to true or false.",
      tree: "Made from `src` when the policy is saved or loaded; leave it out.",
    },
  },
  CustomCondition: {
    text: "The host's own function.",
    fields: {
      kind: "The host's own function.",
      name: "The name under which the host registered the function.",
      args: "What it is given, as JSON.",
    },
  },
  AndCondition: { text: "All of these hold.", fields: { kind: "All of these hold.", all: "The conditions." } },
  OrCondition: {
    text: "At least one of these holds.",
    fields: { kind: "At least one of these holds.", any: "The conditions." },
  },
  NotCondition: { text: "This does not hold.", fields: { kind: "This does not hold.", not: "The condition." } },
};
