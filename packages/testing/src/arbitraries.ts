export {
  comparisonArbitrary,
  conditionArbitrary,
  toolSelectorArbitrary,
} from "./lib/arbitraries/condition-arbitraries.ts";
export {
  effectArbitrary,
  flowArbitrary,
  policiesArbitrary,
  policyArbitrary,
  ruleArbitrary,
} from "./lib/arbitraries/policy-arbitraries.ts";
export {
  type Scenario,
  type ScenarioHost,
  type ScenarioStep,
  scenarioArbitrary,
} from "./lib/arbitraries/scenario-arbitraries.ts";
