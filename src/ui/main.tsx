import '@mantine/core/styles.css';
import './style.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { followActivity } from './api/activity.ts';
import { isSignedOut } from './api/session.ts';
import { App } from './app.tsx';
import { theme } from './theme.ts';

const styleNonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')!.content;
// The library that locks scrolling behind dialogs reads the nonce from here.
Object.assign(globalThis, { __webpack_nonce__: styleNonce });

if (!isSignedOut()) followActivity();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => styleNonce}>
      <App />
    </MantineProvider>
  </StrictMode>,
);
