import { v7, validate } from 'uuid';

/** A new row id. Version 7 (RFC 9562): rows of one time lie together in an index. */
export const newId = (): string => v7();

export const isId = (value: string): boolean => validate(value);
