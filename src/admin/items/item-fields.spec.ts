import { validate } from 'class-validator';
import { plainToInstance } from 'class-transformer';
import type { AuditEntry } from '../../audit/audit.service.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import type * as BodyFields from '../../common/validation/body-fields.js';
import { CreateItemDto, UpdateItemDto } from '../../watchlists/items/dto/item.dto.js';
import type * as Fields from '../../watchlists/items/item-fields.js';
import { ItemTags } from '../../watchlists/items/item-tags.js';
import { ItemsService } from '../../watchlists/items/items.service.js';
import { AdminCreateItemDto, AdminUpdateItemDto } from './admin-items.dto.js';
import { AdminItemsService } from './admin-items.service.js';

/** The real list with one more field. Every module below gets this list. */
jest.mock('../../watchlists/items/item-fields.js', () => {
  const actual = jest.requireActual<typeof Fields>('../../watchlists/items/item-fields.js');
  const { clearable, textField } = jest.requireActual<typeof BodyFields>(
    '../../common/validation/body-fields.js',
  );
  return {
    ...actual,
    ITEM_FIELDS: { ...actual.ITEM_FIELDS, made_up: clearable(textField({ maxLength: 20, example: 'x' })) },
  };
});

const BODIES = [
  ['create', CreateItemDto, { title: 'Parasite', type: 'movie' }],
  ['update', UpdateItemDto, {}],
  ["the admin's create", AdminCreateItemDto, { title: 'Parasite', type: 'movie', user_id: 1 }],
  ["the admin's update", AdminUpdateItemDto, {}],
] as const;

describe('a field that is added to item-fields.ts', () => {
  it.each(BODIES)('is normalised and checked in the body of %s', async (_what, Body, others) => {
    const failing = async (made_up: unknown) => {
      const body = plainToInstance(Body as new () => object, { ...others, made_up });
      const errors = await validate(body, { whitelist: true, forbidNonWhitelisted: true });
      return { body, fields: errors.map(({ property }) => property) };
    };
    expect(await failing('  new ')).toMatchObject({ body: { made_up: 'new' }, fields: [] });
    for (const valid of [undefined, null]) expect((await failing(valid)).fields).toEqual([]);
    for (const invalid of ['', 'x'.repeat(21), 7])
      expect((await failing(invalid)).fields).toEqual(['made_up']);
  });

  describe('reaches the database and the audit log', () => {
    const rows = new Map<number, object>();
    const audited: AuditEntry[] = [];
    const unitOfWork = { epoch: 'e', write: <T>(work: () => Promise<T>) => work() } as unknown as UnitOfWork;
    let version = 0;
    const service = new ItemsService(
      {
        find: async (id: number) => rows.get(id) ?? null,
        insert: async (row: object) => {
          rows.set(1, { ...row, id: 1 });
          return 1;
        },
        update: async (id: number, change: object) => void rows.set(id, { ...rows.get(id), ...change }),
        move: async (id: number) => void rows.delete(id),
      } as never,
      { findOther: async () => null, insert: async () => undefined, replace: async () => undefined } as never,
      { bump: async () => ++version, lock: async () => undefined } as never,
      new ItemTags(unitOfWork),
      { recordAudit: async (entry: AuditEntry) => void audited.push(entry) } as never,
      unitOfWork,
      { TRASH_RETENTION_DAYS: 30 } as never,
    );
    const admin = new AdminItemsService(service, { get: async (id: number) => ({ id }) } as never);
    const ada = { id: 1, email: 'ada@example.com' };
    beforeEach(() => audited.splice(0));

    const made_up = (from: unknown, to: unknown) => ({ made_up: { from, to } });

    it.each([
      ['the owner', (body: object) => service.add(1, body as never, ada), service.update.bind(service)],
      [
        'an admin',
        (body: object) => admin.add({ user_id: 1, ...body } as never, ada),
        (id: number, patch: object) => admin.update(id, patch as never, ada, undefined),
      ],
    ] as const)('when %s adds, changes, clears and deletes', async (_who, add, update) => {
      await add({ title: 'Parasite', type: 'movie', made_up: 'a' });
      expect(rows.get(1)).toMatchObject({ made_up: 'a' });
      await update(1, { made_up: 'b' } as never, ada);
      expect(rows.get(1)).toMatchObject({ title: 'Parasite', made_up: 'b' });
      await update(1, { title: 'Okja' }, ada);
      await update(1, { made_up: null } as never, ada);
      expect(rows.get(1)).toMatchObject({ title: 'Okja', made_up: null });
      await update(1, { made_up: 'c' } as never, ada);
      await service.delete(1, ada);
      expect(audited.map(({ changes }) => changes)).toEqual([
        expect.objectContaining(made_up(null, 'a')),
        made_up('a', 'b'),
        { title: { from: 'Parasite', to: 'Okja' } },
        made_up('b', null),
        made_up(null, 'c'),
        expect.objectContaining(made_up('c', null)),
      ]);
    });

    it('is null, and not audited, when it is left out', async () => {
      await service.add(1, { title: 'Parasite', type: 'movie' }, ada);
      expect(rows.get(1)).toMatchObject({ made_up: null });
      expect(audited[0]!.changes).not.toHaveProperty('made_up');
    });
  });
});
