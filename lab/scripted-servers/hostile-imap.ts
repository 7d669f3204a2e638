import { attacks } from './attacks.ts';
import { startScriptedImap } from './scripted-imap.ts';

/**
 * Hostile servers in a process of their own, because their output costs them as much as it costs the client. Sends
 * their addresses to the parent, then answers each message with their number of connections.
 */
const servers = await Promise.all(
  attacks(Number(process.argv[2])).map(async ({ what, script }, index) => ({
    what,
    server: await startScriptedImap(script(`127.0.1.${index + 1}`)),
  })),
);

process.on('message', () => {
  process.send?.(servers.map(({ what, server }) => ({ what, connections: server.connections() })));
});
process.on('disconnect', () => process.exit());
process.send?.(servers.map(({ what, server: { host, port } }) => ({ what, host, port })));
