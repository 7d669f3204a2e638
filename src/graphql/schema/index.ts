import '../scalars.ts';
import './viewer.ts';
import './email-account.ts';
import './email-connection.ts';
import './server-suggestion.ts';
import './sync-status.ts';
import './sync-run.ts';
import './sync-receipt.ts';
import './sync-progress.ts';
import './mailbox.ts';
import './message.ts';
import './message-location.ts';
import './message-history.ts';
import './attachment.ts';
import './thread.ts';
import './event.ts';
import { builder } from '../builder.ts';

export const schema = builder.toSchema();
