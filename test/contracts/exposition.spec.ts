import { parseExposition } from '../support/exposition.js';

const counter = (lines: string) => `# HELP a_total What is counted.\n# TYPE a_total counter\n${lines}`;
const histogram = (lines: string) => `# HELP a_seconds How long.\n# TYPE a_seconds histogram\n${lines}`;
const SOUND =
  'a_seconds_bucket{le="1"} 2\na_seconds_bucket{le="+Inf"} 3\na_seconds_sum 4.5\na_seconds_count 3\n';

// The tests of the metrics are worth as much as this finds.
describe(parseExposition.name, () => {
  it('reads names, labels with what is escaped in them, and values', () => {
    const families = parseExposition(
      counter('a_total{b="c",d="say \\"e\\"\\n\\\\"} 1\na_total{b="c, d=\\"} 2\\""} 1.5e+3\n'),
    );
    expect(families.get('a_total')).toEqual({
      name: 'a_total',
      help: 'What is counted.',
      type: 'counter',
      samples: [
        { name: 'a_total', labels: { b: 'c', d: 'say "e"\n\\' }, value: 1 },
        { name: 'a_total', labels: { b: 'c, d="} 2"' }, value: 1500 },
      ],
    });
    expect(parseExposition(histogram(SOUND)).get('a_seconds')!.samples).toHaveLength(4);
    expect(parseExposition(`${counter('')}\n${histogram('')}`).size).toBe(2);
  });

  it.each<[string, string, RegExp]>([
    ['that breaks off', counter('a_total 1'), /does not end/],
    ['without TYPE', 'a_total 1\n', /another/],
    ['without HELP', '# TYPE a_total counter\na_total 1\n', /HELP/],
    ['with an empty HELP', counter('').replace('What is counted.', ''), /no help/],
    ['with a TYPE of its own', counter('').replace(' counter', ' number'), /no type/],
    ['with a family twice', counter('a_total 1\n') + counter('a_total{b="c"} 1\n'), /comes twice/],
    ['with a series twice', counter('a_total{b="c",d="e"} 1\na_total{d="e",b="c"} 2\n'), /comes twice/],
    ['with a sample in the wrong place', counter('b_total 1\n'), /another/],
    ['with a value that is none', counter('a_total one\n'), /not understood/],
    ['without a value', counter('a_total\n'), /not understood/],
    ['with a label that ends nowhere', counter('a_total{b="c} 1\n'), /not understood/],
    ['with something escaped that need not be', counter('a_total{b="\\c"} 1\n'), /not understood/],
    ['with a reserved label', counter('a_total{__b="c"} 1\n'), /not understood/],
    ['with a label twice', counter('a_total{b="c",b="d"} 1\n'), /not understood/],
    ['with a comma too many', counter('a_total{b="c",} 1\n'), /not understood/],
    ['with a negative counter', counter('a_total -1\n'), /negative/],
    ['with NaN', counter('a_total NaN\n'), /not a number/],
    ['with a counter not called _total', counter('').replaceAll('a_total', 'a'), /called/],
    ['with a gauge called _total', counter('').replace(' counter', ' gauge'), /called/],
    ['with milliseconds', histogram('').replaceAll('a_seconds', 'a_ms'), /base unit/],
    [
      'with buckets out of order',
      histogram(SOUND.replace('"1"', '"+Inf"').replace('"+Inf"} 3', '"1"} 3')),
      /in order/,
    ],
    ['with buckets that are not cumulative', histogram(SOUND.replace('} 2', '} 4')), /cumulative/],
    [
      'without the last bucket',
      histogram(SOUND.replace('a_seconds_bucket{le="+Inf"} 3\n', '')),
      /all there is/,
    ],
    ['with another count than the buckets', histogram(SOUND.replace('count 3', 'count 4')), /all there is/],
    ['without a sum', histogram(SOUND.replace('a_seconds_sum 4.5\n', '')), /no sum/],
  ])('refuses a text %s', (_what, text, fault) => {
    expect(() => parseExposition(text)).toThrow(fault);
  });
});
