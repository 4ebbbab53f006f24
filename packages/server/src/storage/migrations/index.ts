import type { Migration } from "../migration.ts";
import { first } from "./0001-first.ts";
import { eventSearches } from "./0002-event-searches.ts";
import { approvals } from "./0003-approvals.ts";
import { clientPresence } from "./0004-client-presence.ts";
import { policyLife } from "./0005-policy-life.ts";

/** Every step of the schema, in order. */
export const MIGRATIONS: readonly Migration[] = [first, eventSearches, approvals, clientPresence, policyLife];
