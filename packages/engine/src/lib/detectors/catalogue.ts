import type { Detector } from "./detector.ts";
import { EMAIL } from "./email.ts";
import { IBAN } from "./iban.ts";
import { IP_ADDRESS } from "./ip-address.ts";
import { JWT } from "./jwt.ts";
import { NATIONAL_IDS } from "./national-ids.ts";
import { PAYMENT_CARD } from "./payment-card.ts";
import { PHONE } from "./phone.ts";
import { PRIVATE_KEY } from "./private-key.ts";
import { ACCESS_TOKEN, API_KEY, PASSWORD } from "./secrets.ts";
import { URL_DETECTOR } from "./url.ts";

/** Every detector, most specific first: of two that find the same characters, the first names them. */
export const DETECTORS: readonly Detector[] = [
  PRIVATE_KEY,
  JWT,
  API_KEY,
  ACCESS_TOKEN,
  PASSWORD,
  IBAN,
  PAYMENT_CARD,
  ...NATIONAL_IDS,
  EMAIL,
  URL_DETECTOR,
  IP_ADDRESS,
  PHONE,
];
