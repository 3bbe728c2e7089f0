import autocannon from 'autocannon';
import { usage } from './processes.mjs';

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** The value below which the given part of the samples lies. */
export const percentile = (samples, part) =>
  [...samples].sort((a, b) => a - b)[Math.min(samples.length - 1, Math.floor(samples.length * part))];

/**
 * Drives one process for a while.
 *
 * @returns requests/s, latencies in ms, the process's CPU in percent of one core, its RSS in MiB, and failures
 */
export async function drive({ url, pid }, { requests, connections, seconds }) {
  const before = usage(pid);
  const began = performance.now();
  const result = await autocannon({ url, requests, connections, duration: seconds, sampleInt: 250 });
  const elapsed = (performance.now() - began) / 1000;
  const after = usage(pid);
  return {
    requestsPerSecond: result['2xx'] / elapsed,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuPercent: (100 * (after.cpuSeconds - before.cpuSeconds)) / elapsed,
    rssMiB: after.rssMiB,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}

/** The two in turn, so that a machine that is slow for a while is slow for both; medians, and the median of the ratios. */
export async function inTurn(subject, ceiling, load, rounds) {
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    pairs.push({ ceiling: await drive(ceiling, load), subject: await drive(subject, load) });
  }
  const middle = (side) =>
    Object.fromEntries(
      Object.keys(pairs[0][side]).map((figure) => [figure, median(pairs.map((pair) => pair[side][figure]))]),
    );
  return {
    subject: middle('subject'),
    ceiling: middle('ceiling'),
    ratio: median(pairs.map((pair) => pair.subject.requestsPerSecond / pair.ceiling.requestsPerSecond)),
  };
}

/** Milliseconds of each of `count` requests, one after the other. */
export async function timeEach(count, request) {
  const samples = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    const response = await request(i);
    await response.arrayBuffer();
    samples.push(performance.now() - began);
  }
  return samples;
}
