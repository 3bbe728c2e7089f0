import { derivedColumns, searchWords } from './item-text.js';

describe(derivedColumns.name, () => {
  it('has what a search and a filter by tag look for', () => {
    expect(derivedColumns({ title: 'Amélie', notes: 'With ANA', tags: ['Date Night', 'Été'] })).toMatchObject(
      {
        searchText: 'amelie\nwith ana\ndate night\nete',
        tagKeys: ',date night,été,',
      },
    );
    expect(derivedColumns({ title: 'Dune', notes: null, tags: [] })).toMatchObject({
      searchText: 'dune\n',
      tagKeys: '',
    });
  });
});

describe(searchWords.name, () => {
  it('folds each word', () => {
    expect(searchWords('  AMÉLIE\tpoulain ')).toEqual(['amelie', 'poulain']);
  });
});
