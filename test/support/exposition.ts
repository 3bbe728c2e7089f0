/** One line of the exposition format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary'];
/** What belongs to a family of this type, beside its own name. */
const SUFFIXES: Record<string, readonly string[]> = { histogram: ['_bucket', '_sum', '_count'] };
/** https://prometheus.io/docs/practices/naming/#base-units */
const NO_BASE_UNIT =
  /_(ms|milliseconds?|us|microseconds?|ns|nanoseconds?|minutes?|hours?|days?|kb|kilobytes?|mb|megabytes?|percent)(_|$)/;

const numberOf = (text: string) =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : text === 'NaN' ? NaN : Number(text);

/**
 * Reads the text format as strictly as `promtool check metrics` does, and as Prometheus's guidelines on names ask.
 *
 * @throws with every fault there is, one to a line
 */
export function parseExposition(text: string): Map<string, Family> {
  const { families, faults } = read(text);
  for (const family of families.values()) faults.push(...faultsOf(family));
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return families;
}

function read(text: string): { families: Map<string, Family>; faults: string[] } {
  const faults: string[] = [];
  const families = new Map<string, Family & { samples: Sample[] }>();
  const series = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let family: (Family & { samples: Sample[] }) | undefined;
  if (!text.endsWith('\n')) faults.push('the last line does not end');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      help = { name: about, text: rest };
      family = undefined;
    } else if (keyword === 'TYPE') {
      if (help?.name !== about) faults.push(`${about}: TYPE without its HELP before it`);
      if (!NAME.test(about)) faults.push(`${about} is no name`);
      if (!TYPES.includes(rest)) faults.push(`${about}: ${rest} is no type`);
      if (families.has(about)) faults.push(`${about} comes twice`);
      family = { name: about, help: help?.text ?? '', type: rest, samples: [] };
      families.set(about, family);
    } else {
      const sample = sampleOf(line);
      if (sample === undefined) faults.push(`not understood: ${line}`);
      else {
        const names = [
          family?.name,
          ...(SUFFIXES[family?.type ?? ''] ?? []).map((end) => family!.name + end),
        ];
        if (!names.includes(sample.name)) faults.push(`${sample.name} stands among the samples of another`);
        const key = keyOf(sample.name, sample.labels);
        if (series.has(key)) faults.push(`${key} comes twice`);
        series.add(key);
        family?.samples.push(sample);
      }
    }
  }
  return { families, faults };
}

function sampleOf(line: string): Sample | undefined {
  const [, name, inBraces, value] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined || !NAME.test(name) || value === undefined) return undefined;
  if (!/^([+-]Inf|NaN|[+-]?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(value)) return undefined;
  const labels: Record<string, string> = {};
  let left = inBraces ?? '';
  while (left !== '') {
    const [whole, label, text] =
      /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/.exec(left) ?? [];
    if (whole === undefined || label!.startsWith('__') || Object.hasOwn(labels, label!)) return undefined;
    labels[label!] = text!.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : (escaped as string)));
    left = left.slice(whole.length);
  }
  return { name, labels, value: numberOf(value) };
}

/** The same for the same labels, in whatever order they come. */
export function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${sorted.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
}

function faultsOf(family: Family): string[] {
  const { name, help, type, samples } = family;
  const faults: string[] = [];
  if (!/\S/.test(help)) faults.push(`${name} has no help`);
  if (NO_BASE_UNIT.test(name)) faults.push(`${name} is not in a base unit`);
  if ((type === 'counter') !== name.endsWith('_total'))
    faults.push(`${name} is called as no ${type} should be`);
  if (/_(count|sum|bucket)$/.test(name)) faults.push(`${name} is called as a part of a histogram`);
  if (samples.some(({ value }) => Number.isNaN(value))) faults.push(`${name} is not a number`);
  if (type === 'counter' && samples.some(({ value }) => value < 0)) faults.push(`${name} is negative`);
  if (type === 'histogram') faults.push(...histogramFaults(family));
  return faults;
}

function histogramFaults({ name, samples }: Family): string[] {
  const bySeries = new Map<string, { buckets: [number, number][]; sum?: number; count?: number }>();
  for (const { name: part, labels, value } of samples) {
    const { le, ...others } = labels;
    const key = keyOf(name, others);
    const one = bySeries.get(key) ?? { buckets: [] };
    bySeries.set(key, one);
    if (part === `${name}_bucket`) one.buckets.push([numberOf(le ?? 'NaN'), value]);
    else one[part === `${name}_sum` ? 'sum' : 'count'] = value;
  }
  return [...bySeries].flatMap(([key, { buckets, sum, count }]) => {
    const faults: string[] = [];
    if (sum === undefined || count === undefined) faults.push(`${key} has no sum or no count`);
    if (buckets.some(([le], index) => index > 0 && !(le > buckets[index - 1]![0])))
      faults.push(`${key}: the buckets are not in order`);
    if (buckets.some(([, value], index) => index > 0 && value < buckets[index - 1]![1]))
      faults.push(`${key}: the buckets are not cumulative`);
    const [last, all] = buckets.at(-1) ?? [NaN, NaN];
    if (last !== Infinity || all !== count) faults.push(`${key}: the last bucket is not all there is`);
    return faults;
  });
}

/** What two scrapes differ by: every series that has another value, or is new, with by how much. */
export function increases(before: Map<string, Family>, after: Map<string, Family>): Record<string, number> {
  const values = (families: Map<string, Family>) =>
    new Map(
      [...families.values()].flatMap(({ samples }) =>
        samples.map(({ name, labels, value }) => [keyOf(name, labels), value] as const),
      ),
    );
  const earlier = values(before);
  return Object.fromEntries(
    [...values(after)]
      .map(([key, value]) => [key, value - (earlier.get(key) ?? 0)] as const)
      .filter(([, change]) => change !== 0),
  );
}

/** The value of the one series with these labels; undefined when there is none. */
export function valueOf(
  families: Map<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const all = [...families.values()].flatMap(({ samples }) => samples);
  return all.find((sample) => keyOf(sample.name, sample.labels) === keyOf(name, labels))?.value;
}
