import { type AssignedSecret, findAssignedSecrets, findBearerTokens, findPropertySecret } from "./assigned-secrets.ts";
import { type Census, takeCensus } from "./census.ts";
import { toWords } from "./context.ts";
import { canEndName } from "./secret-names.ts";

/** UTF-16 code units of a property's name that are read: its end, where names say what they are. */
const PROPERTY_LENGTH_MAX = 128;

/** A text being searched, and what several detectors want to know about it. */
export class Scan {
  readonly text: string;
  /** Name of the property that holds the text; empty when there is none. */
  readonly property: string;
  readonly census: Census;
  #propertyWords: string | undefined;
  #assigned: readonly AssignedSecret[] | undefined;

  constructor(text: string, property: string) {
    this.text = text;
    this.property = property.slice(-PROPERTY_LENGTH_MAX);
    this.census = takeCensus(text);
  }

  get propertyWords(): string {
    this.#propertyWords ??= toWords(this.property);
    return this.#propertyWords;
  }

  /** Values that are secrets because of the name before them, read at first need. */
  get assignedSecrets(): readonly AssignedSecret[] {
    this.#assigned ??= this.#readAssigned();
    return this.#assigned;
  }

  #readAssigned(): readonly AssignedSecret[] {
    const canBeSecret = canEndName(this.property, this.property.length);
    const property = canBeSecret ? findPropertySecret(this.text, this.propertyWords) : undefined;
    const assigned = findAssignedSecrets(this.text, this.census.assignments);
    const bearer = findBearerTokens(this.text, this.census.runs);
    return property === undefined ? [...assigned, ...bearer] : [property, ...assigned, ...bearer];
  }
}
