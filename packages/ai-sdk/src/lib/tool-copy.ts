import type { SdkTool } from "./sdk-shapes.ts";

/** What has to be put back on a tool that was spread; `undefined` for one whose spreading loses what nothing brings back. */
type Unspread = readonly (readonly [PropertyKey, PropertyDescriptor])[] | undefined;

// Tools come with every call of the SDK, and looking through their properties takes longer than copying them.
const known = new WeakMap<object, { readonly unspread: Unspread }>();

/** The same tool with some of its properties laid over: of the same class, with its getters and hidden properties. */
export function copyTool(tool: SdkTool, own: Partial<SdkTool>): SdkTool {
  const unspread = unspreadOf(tool);
  if (unspread === undefined) return derived(tool, own);
  const copy: SdkTool = { ...tool, ...own };
  for (const [key, descriptor] of unspread) Object.defineProperty(copy, key, descriptor);
  return copy;
}

function unspreadOf(tool: SdkTool): Unspread {
  const found = known.get(tool);
  if (found !== undefined) return found.unspread;
  const unspread = lookThrough(tool);
  known.set(tool, { unspread });
  return unspread;
}

function lookThrough(tool: SdkTool): Unspread {
  if (Object.getPrototypeOf(tool) !== Object.prototype) return undefined;
  const hidden: (readonly [PropertyKey, PropertyDescriptor])[] = [];
  for (const key of Reflect.ownKeys(tool)) {
    const descriptor = Object.getOwnPropertyDescriptor(tool, key);
    if (descriptor === undefined || !("value" in descriptor)) return undefined;
    if (descriptor.enumerable !== true) hidden.push([key, descriptor]);
  }
  return hidden;
}

function derived(tool: SdkTool, own: Partial<SdkTool>): SdkTool {
  const laidOver = Object.entries(own).map(([key, value]) => [
    key,
    { value, enumerable: true, configurable: true, writable: true },
  ]);
  return Object.create(Object.getPrototypeOf(tool), {
    ...Object.getOwnPropertyDescriptors(tool),
    ...Object.fromEntries(laidOver),
  });
}
