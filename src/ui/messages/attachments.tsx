import { isolated, unturned } from '../parts/bidi.ts';
import { bytes } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import classes from './messages.module.css';
import type { WholeMessage } from './whole-message.ts';

/** Download links for the attachments that the message does not show inline. */
export function Attachments({ message }: { message: WholeMessage }) {
  const attached = message.attachments.filter(({ isInline }) => !isInline);
  if (attached.length === 0) return null;
  return (
    <ul className={classes['attachments']} aria-label="Attachments">
      {attached.map(({ id, filename, contentType, size, url }) => {
        const name = filename === null ? null : unturned(filename);
        return (
          <li key={id}>
            <a href={url} download={name ?? ''} title={`${isolated(name ?? 'attachment')}, ${contentType}`}>
              <Icon name="clip" size={14} />
              <bdi className="truncate">{name ?? contentType}</bdi>
              <small>{bytes(size)}</small>
            </a>
          </li>
        );
      })}
    </ul>
  );
}
