import { Piscina } from 'piscina';
import type { DigestedBatch } from './parsed-message.ts';

export interface MimePool {
  digest(sources: readonly Buffer[]): Promise<DigestedBatch>;
  attachment(
    source: Uint8Array,
    index: number,
  ): Promise<{ filename: string | null; contentType: string; content: Uint8Array } | null>;
  close(): Promise<void>;
}

export function createMimePool({ threads = 1 }: { threads?: number }): MimePool {
  const pool = new Piscina({
    filename: new URL('./digest-worker.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    resourceLimits: { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 },
  });
  return {
    async digest(sources) {
      const total = sources.reduce((n, s) => n + s.length, 0);
      const buffer = new Uint8Array(total);
      const ends: number[] = [];
      let at = 0;
      for (const source of sources) {
        buffer.set(source, at);
        ends.push((at += source.length));
      }
      return pool.run({ buffer, ends }, { transferList: [buffer.buffer] });
    },
    attachment: (source, index) => pool.run({ source, index }, { name: 'attachment' }),
    close: () => pool.destroy(),
  };
}
