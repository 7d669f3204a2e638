import { type Attributes, type Context, context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { toMailtideError } from '../errors.ts';
import type { SyncRun } from '../generated/prisma/client.ts';
import type { InStep } from '../sync/steps.ts';
import { contextOf } from './trace-parent.ts';

/**
 * Spans, as children of the active one. OpenTelemetry's API tracks that, and does nothing while tracing is off:
 *
 *   GraphQL mutation startEmailSync     in the process that received the request
 *   └ sync run                          each attempt, in the process that carries it out
 *     ├ sync connect
 *     ├ sync discover
 *     ├ sync enumerate                  each mailbox
 *     ├ sync fetch                      each mailbox
 *     │ ├ sync parse                    each batch
 *     │ └ sync store
 *     └ sync finish, sync prove
 *
 * Their attributes are ids, numbers and codes, never personal data from mail, mailboxes or logins.
 */
const tracer = trace.getTracer('mailtide');

/** Runs one attempt of a run in a span, as a child of the request that started the run. */
export const inRunSpan = <T>(run: SyncRun, work: () => Promise<T>): Promise<T> =>
  inSpan(
    'sync run',
    {
      'mailtide.run.id': run.id,
      'mailtide.account.id': run.accountId,
      'mailtide.run.mode': run.mode,
      'mailtide.run.trigger': run.trigger,
      'mailtide.run.attempt': run.attempt,
    },
    work,
    { kind: SpanKind.CONSUMER, parent: contextOf(run.traceParent) },
  );

export const inStepSpan: InStep = (name, { mailboxId, messages }, work) =>
  inSpan(
    `sync ${name}`,
    {
      ...(mailboxId === undefined ? {} : { 'mailtide.mailbox.id': mailboxId }),
      ...(messages === undefined ? {} : { 'mailtide.messages': messages }),
    },
    work,
  );

async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  { kind = SpanKind.INTERNAL, parent = context.active() }: { kind?: SpanKind; parent?: Context } = {},
): Promise<T> {
  return tracer.startActiveSpan(name, { kind, attributes }, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      // Only the code, because messages may contain text from a server.
      span.setAttribute('error.type', toMailtideError(error).code).setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
