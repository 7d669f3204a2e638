import { Anchor } from '@mantine/core';

const LINK = /(https:\/\/[^\s),]+)/;

/** A sentence of the service, with its URLs as links. */
export function Linked({ text }: { text: string }) {
  return text.split(LINK).map((part, place) =>
    place % 2 === 1 ? (
      <Anchor key={part} href={part} target="_blank" rel="noopener noreferrer" inherit underline="always">
        {part.replace('https://', '')}
      </Anchor>
    ) : (
      part
    ),
  );
}
