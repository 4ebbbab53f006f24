/** Microseconds of one call, after a warm-up: medians and tails of samples that are each the mean of a few calls. */
export async function measure(
  call: () => unknown,
  options: { readonly sampleCount?: number; readonly callsPerSample?: number } = {},
): Promise<{ readonly p50: number; readonly p99: number }> {
  const { sampleCount = 2_000, callsPerSample = 20 } = options;
  const samples: number[] = [];
  for (let sample = 0; sample < sampleCount * 2; sample++) {
    const startedMs = performance.now();
    for (let index = 0; index < callsPerSample; index++) await call();
    if (sample >= sampleCount) samples.push(((performance.now() - startedMs) * 1000) / callsPerSample);
  }
  samples.sort((a, b) => a - b);
  const at = (share: number): number => samples[Math.floor(samples.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

export function row(
  name: string,
  figure: { readonly p50: number; readonly p99: number },
  base: { readonly p50: number },
): void {
  const ratio = (figure.p50 / base.p50).toFixed(1);
  console.log(`${name.padEnd(56)} p50 ${figure.p50.toFixed(2)} µs  p99 ${figure.p99.toFixed(2)} µs  ${ratio}×`);
}
