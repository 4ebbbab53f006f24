/** Rounds before those that count, and rounds that count; each round runs every variant in turn. */
const WARM_UP_COUNT = 6;
const ROUND_COUNT = 30;
/** Many, so that a variant pays for its own garbage and not for what the one before it left. */
const CALLS_PER_ROUND = 150;

/** One way to run the same agent. */
export type Variant = readonly [name: string, run: () => Promise<unknown>];

/**
 * Runs variants in turn, so that what the machine does meanwhile strikes all of them alike, and prints the CPU time of one call, in
 * microseconds, as the median over rounds, beside the first variant's.
 */
export async function beside(title: string, variants: readonly Variant[]): Promise<void> {
  const samples = new Map<string, number[]>(variants.map(([name]) => [name, []]));
  for (let round = 0; round < WARM_UP_COUNT + ROUND_COUNT; round++) {
    for (const [name, run] of variants) {
      const before = process.cpuUsage();
      for (let call = 0; call < CALLS_PER_ROUND; call++) await run();
      const { user, system } = process.cpuUsage(before);
      if (round >= WARM_UP_COUNT) samples.get(name)?.push((user + system) / CALLS_PER_ROUND);
    }
  }
  console.log(title);
  let base: number | undefined;
  for (const [name, figures] of samples) {
    figures.sort((a, b) => a - b);
    const median = figures[Math.floor(figures.length / 2)] ?? Number.NaN;
    base ??= median;
    console.log(`  ${name.padEnd(44)} ${median.toFixed(0).padStart(6)} µs  ${(median / base).toFixed(2)}×`);
  }
}
