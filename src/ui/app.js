// The page: asks once what there is, then follows the live progress of all accounts.

const PAGE = `query Page($after: String) {
  viewer { tenant { name } }
  emailAccounts(first: 100, after: $after) {
    edges { node { ...Account } }
    pageInfo { hasNextPage endCursor }
  }
}`;
const ACCOUNT = `fragment Account on EmailAccount {
  id emailAddress isActive
  syncStatus { lastSyncAt lastSyncStatus lastSyncError { code message } activeRun { id status } }
}`;
const ACTIVITY = `subscription { syncActivity {
  accountId runId status phase attempt mailbox messagesProcessed messagesTotal percent messagesPerSecond etaSeconds
  nextAttemptAt stats { messagesCreated messagesUpdated messagesDeleted bytesDownloaded durationMs }
  error { message }
} }`;
const CREATE = `mutation($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }`;
const START = `mutation($accountId: ID!) { startEmailSync(accountId: $accountId) { run { id } } }`;
const CANCEL = `mutation($runId: ID!) { cancelEmailSync(runId: $runId) { id } }`;

const RECONNECT_MS = 2000;
const ENDED = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED']);

const $ = (id) => document.getElementById(id);
const cards = new Map();

async function ask(query, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
  return data;
}

/** Runs what a button asks for; what goes wrong is said at the top of the page. */
async function act(work) {
  $('notice').hidden = true;
  try {
    await work();
  } catch (error) {
    $('notice').textContent = error.message;
    $('notice').hidden = false;
  }
}

function cardOf(accountId) {
  const known = cards.get(accountId);
  if (known) return known;
  const element = $('account').content.firstElementChild.cloneNode(true);
  const part = (name) => element.querySelector(name);
  const card = {
    runId: null,
    address: part('.address'),
    badge: part('.badge'),
    bar: part('progress'),
    detail: part('.detail'),
    error: part('.error'),
    start: part('.start'),
    cancel: part('.cancel'),
  };
  card.start.onclick = () => act(() => ask(START, { accountId }));
  card.cancel.onclick = () => act(() => ask(CANCEL, { runId: card.runId }));
  $('accounts').append(element);
  cards.set(accountId, card);
  return card;
}

function showAccount({ id, emailAddress, isActive, syncStatus }) {
  const card = cardOf(id);
  const { activeRun, lastSyncAt, lastSyncStatus, lastSyncError } = syncStatus;
  card.address.textContent = emailAddress;
  card.bar.hidden = !activeRun;
  card.detail.textContent = lastSyncAt ? `Last sync ${new Date(lastSyncAt).toLocaleString()}` : 'Not synced yet.';
  card.error.textContent = lastSyncError?.message ?? '';
  showState(card, activeRun?.id ?? null, activeRun?.status ?? lastSyncStatus ?? (isActive ? 'NEW' : 'PAUSED'));
  if (!isActive) card.start.disabled = true;
}

function showState(card, runId, status) {
  const active = runId !== null && !ENDED.has(status);
  card.runId = runId;
  card.badge.textContent = status.toLowerCase().replace('_', ' ');
  card.badge.classList.toggle('active', active);
  card.start.disabled = active;
  card.cancel.hidden = !active;
}

function showProgress(frame) {
  const card = cardOf(frame.accountId);
  showState(card, frame.runId, frame.status);
  card.bar.hidden = false;
  if (frame.percent === null) card.bar.removeAttribute('value');
  else card.bar.value = frame.percent;
  card.detail.textContent = ENDED.has(frame.status) ? summary(frame) : counts(frame);
  card.error.textContent = frame.error?.message ?? '';
}

const number = (value) => Number(value).toLocaleString();
const megabytes = (bytes) => `${(Number(bytes) / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 })} MB`;
const seconds = (value) => (value < 90 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`);

function counts(frame) {
  const parts = [frame.phase.toLowerCase()];
  if (frame.messagesTotal !== null) {
    parts.push(`${number(frame.messagesProcessed)} of ${number(frame.messagesTotal)} messages`);
  }
  if (frame.messagesPerSecond !== null) parts.push(`${number(Math.round(frame.messagesPerSecond))}/s`);
  if (frame.etaSeconds !== null) parts.push(`${seconds(frame.etaSeconds)} left`);
  if (frame.mailbox) parts.push(frame.mailbox);
  if (frame.nextAttemptAt) parts.push(`next attempt ${new Date(frame.nextAttemptAt).toLocaleTimeString()}`);
  return parts.join(' · ');
}

function summary({ stats }) {
  const changes = [
    [stats.messagesCreated, 'new'],
    [stats.messagesUpdated, 'changed'],
    [stats.messagesDeleted, 'deleted'],
  ].filter(([count]) => count > 0);
  const what =
    changes.length > 0 ? changes.map(([count, word]) => `${number(count)} ${word}`).join(', ') : 'nothing new';
  return `${what} · ${megabytes(stats.bytesDownloaded)} · ${(stats.durationMs / 1000).toFixed(1)} s`;
}

async function refresh() {
  const accounts = [];
  let page = { hasNextPage: true, endCursor: null };
  while (page.hasNextPage) {
    const { viewer, emailAccounts } = await ask(PAGE + ACCOUNT, { after: page.endCursor });
    $('tenant').textContent = viewer.tenant.name;
    accounts.push(...emailAccounts.edges.map(({ node }) => node));
    page = emailAccounts.pageInfo;
  }
  accounts.forEach(showAccount);
  $('empty').hidden = accounts.length > 0;
  $('add').open ||= accounts.length === 0;
}

/** Follows for as long as the page is open: after a break it asks for everything again, then goes on. */
function follow() {
  const events = new EventSource(`/graphql?query=${encodeURIComponent(ACTIVITY)}`);
  events.addEventListener('next', ({ data }) => {
    const frame = JSON.parse(data).data?.syncActivity;
    if (frame) showProgress(frame);
  });
  const again = () => {
    events.close();
    setTimeout(() => refresh().then(follow, signInOrTryAgain), RECONNECT_MS);
  };
  // A session that has ended shows the form.
  const signInOrTryAgain = ({ code }) => (code === 'UNAUTHENTICATED' ? location.reload() : again());
  events.addEventListener('complete', again);
  events.onerror = again;
}

$('add-form').onsubmit = (event) => {
  event.preventDefault();
  const form = event.target;
  const { emailAddress, password, host, port, security, username } = Object.fromEntries(new FormData(form));
  const imap = { host, port: Number(port), security, username: username || null };
  return act(async () => {
    const created = await ask(CREATE, { input: { emailAddress, imap, credentials: { password } } });
    form.reset();
    $('add').open = false;
    await refresh();
    await ask(START, { accountId: created.createEmailAccount.id });
  });
};

const asked = new URLSearchParams(location.search);
try {
  await refresh();
  $('home').hidden = false;
  $('nav').hidden = false;
  follow();
} catch (error) {
  const signedOut = error.code === 'UNAUTHENTICATED';
  $('sign-in').hidden = !signedOut;
  $('sign-in').elements.namedItem('next').value = asked.get('next') ?? '/';
  if (!signedOut || asked.has('failed')) {
    $('notice').textContent = signedOut ? 'This key is not valid.' : error.message;
    $('notice').hidden = false;
  }
}
