import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * One row with a random word, part of every cache key: list versions start again at 0 in a new database, and
 * answers cached for the old one must not be found. Restoring a backup (backup/) writes a new word: versions go back.
 */
@Entity('cache_epoch')
export class CacheEpoch {
  @PrimaryColumn({ type: Number, primaryKeyConstraintName: 'pk_cache_epoch' })
  id!: number;

  @Column({ type: String, length: 32 })
  epoch!: string;
}
