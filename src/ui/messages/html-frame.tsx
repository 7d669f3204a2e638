import { Button, Text } from '@mantine/core';
import { useState } from 'react';
import { Icon } from '../parts/icons.tsx';
import classes from './messages.module.css';

/**
 * The HTML of a stranger. The document that the service makes of it has a policy of its own (src/server/message-page.ts);
 * here it is held once more: no scripts, no forms, no origin of ours, and it cannot lead this page or itself elsewhere.
 */
export function HtmlFrame({ url, hasRemoteImages }: { url: string; hasRemoteImages: boolean }) {
  const [withImages, setWithImages] = useState(false);
  return (
    <>
      {hasRemoteImages && (
        <div className={classes['images']} role="status">
          <Icon name="image" size={16} />
          <Text size="xs" component="span">
            {withImages
              ? 'Images from other servers are shown: these servers know now that it was opened.'
              : 'Images from other servers are not loaded: they would tell the sender that it was opened.'}
          </Text>
          {!withImages && (
            <Button size="compact-xs" variant="light" onClick={() => setWithImages(true)}>
              Show images
            </Button>
          )}
        </div>
      )}
      <iframe
        key={String(withImages)}
        className={classes['frame']}
        title="The message as HTML"
        src={withImages ? `${url}?images=remote` : url}
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
      />
    </>
  );
}
