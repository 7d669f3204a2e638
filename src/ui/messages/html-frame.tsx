import { Button, Text } from '@mantine/core';
import { useState } from 'react';
import { Icon } from '../parts/icons.tsx';
import classes from './messages.module.css';

/**
 * Untrusted HTML. The service sanitises it and serves it with its own policy (src/server/message-page.ts). The sandbox
 * is a second barrier: no scripts, no forms, no access to the page's origin, no navigation of the page or the frame.
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
              ? 'Images from other servers are shown. Those servers can tell that you opened this message.'
              : 'Images from other servers are blocked, because they would reveal that you opened this message.'}
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
