import { requestIdOf } from './request-context.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const idOf = (given?: string | string[]) => requestIdOf({ headers: { 'x-request-id': given } });

describe(requestIdOf.name, () => {
  it.each(['a', '0', '-', '_', '.', 'Az09._-', 'x'.repeat(128), 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10'])(
    'keeps %s',
    (id) => {
      expect(idOf(id)).toBe(id);
    },
  );

  it.each([
    '',
    ' ',
    'a ',
    'x'.repeat(129),
    'a\nb',
    'a\n',
    'a/b',
    'a,b',
    'ä',
    '１',
    '${jndi}',
    '<script>',
    'a\0',
  ])('replaces %j by a UUID', (id) => {
    expect(idOf(id)).toMatch(UUID);
  });

  it('gives who brings none, or several, a new one each', () => {
    const ids = [idOf(), idOf(), idOf(['a', 'b']), idOf(['a'])];
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
