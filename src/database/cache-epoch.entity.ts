import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * One row with a random word that is part of every cache key. List versions start again in a new database and go back
 * in a restored one (finish-restore.ts). Without a new word, clients would get answers of the old database.
 */
@Entity('cache_epoch')
export class CacheEpoch {
  @PrimaryColumn({ type: Number, primaryKeyConstraintName: 'pk_cache_epoch' })
  id!: number;

  @Column({ type: String, length: 32 })
  epoch!: string;
}
