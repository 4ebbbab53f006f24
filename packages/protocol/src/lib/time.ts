import * as z from "zod";

/** Days of the week, Monday first. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "use `HH:MM` from 00:00 to 24:00");

/**
 * A stretch of the week in local time. `start` is inside, `end` is not; a `start` after `end` crosses midnight and
 * belongs to the day it starts on; equal ones are the whole day.
 */
export const timeWindowSchema = z.strictObject({
  days: z.array(z.enum(WEEKDAYS)).min(1).max(7),
  start: clockTime,
  end: clockTime,
});
export interface TimeWindow extends z.infer<typeof timeWindowSchema> {}

/** An IANA zone, or where the actor's is written (a path as in the `actor` condition) with a fallback zone. */
export const timeZoneSourceSchema = z.union([
  z.string().min(1).max(64),
  z.strictObject({ actor: z.string().min(1).max(512), fallback: z.string().min(1).max(64).optional() }),
]);
export type TimeZoneSource = z.infer<typeof timeZoneSourceSchema>;
