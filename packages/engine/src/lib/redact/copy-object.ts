/** One property of a copy. */
export interface Entry {
  readonly name: string;
  readonly value: unknown;
}

/**
 * A copy of an object of the same kind with other enumerable properties; what is hidden or named by a symbol is carried
 * over, except for `names`, which the entries stand for.
 */
export function copyObject(source: object, names: readonly string[], entries: readonly Entry[]): object {
  const copy: object = Object.create(Object.getPrototypeOf(source) as object | null);
  const described = new Set<PropertyKey>(names);
  for (const key of Reflect.ownKeys(source)) {
    const descriptor = described.has(key) ? undefined : Object.getOwnPropertyDescriptor(source, key);
    if (descriptor !== undefined) Object.defineProperty(copy, key, descriptor);
  }
  for (const { name, value } of entries) {
    const enumerable = Object.getOwnPropertyDescriptor(source, name)?.enumerable ?? true;
    Object.defineProperty(copy, name, { value, enumerable, configurable: true, writable: true });
  }
  return copy;
}
