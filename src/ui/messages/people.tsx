import { Fragment } from 'react';
import { unturned } from '../parts/bidi.ts';
import { number } from '../parts/format.ts';
import { type Person, shortName } from './format.ts';

interface Props {
  readonly of: readonly Person[];
  /** With their addresses. */
  readonly whole?: boolean;
  readonly atMost?: number;
}

/** A list of names, each in its own writing direction. */
export function People({ of, whole = false, atMost = of.length }: Props) {
  if (of.length === 0) return shortName({});
  return (
    <>
      {of.slice(0, atMost).map((person, i) => (
        // A list may contain a person twice, so the position is the key.
        <Fragment key={`${i}`}>
          {i > 0 && ', '}
          <bdi>{shortName(person)}</bdi>
          {whole && hasBoth(person) && (
            <>
              {' '}
              &lt;<bdi>{unturned(person.address!)}</bdi>&gt;
            </>
          )}
        </Fragment>
      ))}
      {of.length > atMost && ` and ${number(of.length - atMost)} more`}
    </>
  );
}

const hasBoth = ({ name, address }: Person): boolean => Boolean(name && address && name !== address);
