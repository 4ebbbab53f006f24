import type { Migration } from "../migration.ts";
import { first } from "./0001-first.ts";
import { eventSearches } from "./0002-event-searches.ts";

/** Every step of the schema, in order. */
export const MIGRATIONS: readonly Migration[] = [first, eventSearches];
