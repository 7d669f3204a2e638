import { v7, validate } from 'uuid';

/** Returns a new row id. Version 7 (RFC 9562), so that rows of the same time are adjacent in an index. */
export const newId = (): string => v7();

export const isId = (value: string): boolean => validate(value);
