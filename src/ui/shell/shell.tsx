import { AppShell, Container } from '@mantine/core';
import type { ReactNode } from 'react';
import { Header } from './header.tsx';
import classes from './shell.module.css';
import { SignInNotice } from './sign-in-notice.tsx';

export const MAIN_ID = 'main';

/** The frame around every view. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <AppShell header={{ height: 52 }}>
      <a className={classes['skip']} href={`#${MAIN_ID}`}>
        Skip to the content
      </a>
      <AppShell.Header>
        <Header />
      </AppShell.Header>
      <AppShell.Main id={MAIN_ID} tabIndex={-1} className={classes['main']}>
        <Container size="xl" px={{ base: 'sm', sm: 'md' }} py="md">
          <SignInNotice />
          {children}
        </Container>
      </AppShell.Main>
    </AppShell>
  );
}
