import { expect, test } from 'vitest';
import { GrowingBuffer } from '../../../src/pg-formats/growing-buffer.ts';

test('what is written stays in order while the memory grows', () => {
  const buffer = new GrowingBuffer(4);
  expect(buffer.text('Grüße 🌊')).toBe(12);
  buffer.int32(-2);
  buffer.bytes(Uint8Array.of(7, 8));
  expect(buffer.end).toBe(18);
  expect(buffer.written()).toEqual(Buffer.concat([Buffer.from('Grüße 🌊'), Buffer.from('fffffffe0708', 'hex')]));
});

test('reserve, no space left, keeps the bytes before the end', () => {
  const buffer = new GrowingBuffer(2);
  buffer.text('ab');
  const memory = buffer.reserve(100);
  expect(memory.length).toBeGreaterThanOrEqual(102);
  expect(memory.toString('utf8', 0, 2)).toBe('ab');
  expect(buffer.reserve(100)).toBe(memory);
});

test('clear, ordinary length, keeps the memory', () => {
  const buffer = new GrowingBuffer(2);
  buffer.bytes(Buffer.alloc(100_000));
  const { memory } = buffer;
  buffer.clear();
  expect(buffer.end).toBe(0);
  expect(buffer.memory).toBe(memory);
});

test('clear, unusual length, releases the memory', () => {
  const buffer = new GrowingBuffer(2);
  buffer.bytes(Buffer.alloc(3_000_000));
  buffer.clear();
  expect(buffer.memory).toHaveLength(2);
});
