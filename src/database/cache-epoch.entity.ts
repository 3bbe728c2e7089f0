import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * Holds one random word that begins every Redis key. List versions restart in a new database and go back in a restored
 * one (finish-restore.ts). Without a new word, clients would get responses of the old database, or of another one.
 */
@Entity('cache_epoch')
export class CacheEpoch {
  @PrimaryColumn({ type: Number, primaryKeyConstraintName: 'pk_cache_epoch' })
  id!: number;

  @Column({ type: String, length: 32 })
  epoch!: string;
}
