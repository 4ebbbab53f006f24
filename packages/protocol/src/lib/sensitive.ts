/** Detectors of sensitive data. */
export const DETECTOR_IDS = ["email", "phone", "payment_card", "iban", "ip_address", "url", "jwt", "private_key", "api_key", "access_token"] as const;
export type DetectorId = (typeof DETECTOR_IDS)[number];
