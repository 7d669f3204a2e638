import { lazy, Suspense } from 'react';
import { Provider } from 'urql';
import { Route, Switch, useLocation } from 'wouter';
import { UnderNav } from './account-detail/under-nav.tsx';
import { client } from './api/client.ts';
import { useSignedOut } from './api/session.ts';
import { Loading, NotFound } from './parts/states.tsx';
import { ViewBoundary } from './parts/view-boundary.tsx';
import { useFocusOfView } from './parts/view-title.tsx';
import { PATHS } from './paths.ts';
import { MAIN_ID, Shell } from './shell/shell.tsx';
import { SignIn } from './shell/sign-in.tsx';

// Each view is a separate file, so that the first one does not wait for the others.
const AccountsView = lazy(() => import('./account-list/accounts-view.tsx'));
const AddAccountView = lazy(() => import('./add-account/add-account-view.tsx'));
const AccountView = lazy(() => import('./account-detail/account-view.tsx'));
const MessagesView = lazy(() => import('./messages/messages-view.tsx'));
const MessageView = lazy(() => import('./messages/message-view.tsx'));

export function App() {
  return (
    <Provider value={client}>
      <Page />
    </Provider>
  );
}

/** Shows the sign-in form at the requested address to a signed-out user, and returns there afterwards. */
function Page() {
  const [path] = useLocation();
  const signedOut = useSignedOut();
  // The messages that are opened from a list are one view, so that the keys move between them.
  useFocusOfView(path.replace(/(\/messages)\/.*/, '$1'), MAIN_ID);
  if (signedOut) return <SignIn />;
  return (
    <Shell>
      <ViewBoundary path={path}>
        <Suspense fallback={<Loading />}>
          <Switch>
            <Route path={PATHS.accounts}>
              <AccountsView />
            </Route>
            <Route path={PATHS.addAccount}>
              <AddAccountView />
            </Route>
            <Route path={PATHS.messages}>
              {({ id }) => (
                <UnderNav key={id} accountId={id}>
                  {(account) => <MessagesView accountId={id} account={account} />}
                </UnderNav>
              )}
            </Route>
            <Route path={PATHS.accountMessage}>
              {({ id, messageId }) => (
                <UnderNav key={id} accountId={id}>
                  {(account) => <MessagesView accountId={id} account={account} messageId={messageId} />}
                </UnderNav>
              )}
            </Route>
            <Route path={PATHS.account}>{({ id }) => <AccountView key={id} accountId={id} />}</Route>
            <Route path={PATHS.accountPart}>
              {({ id, part }) => <AccountView key={id} accountId={id} part={part} />}
            </Route>
            <Route path={PATHS.message}>{({ id }) => <MessageView key={id} messageId={id} />}</Route>
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </Suspense>
      </ViewBoundary>
    </Shell>
  );
}
