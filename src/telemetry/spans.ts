import { type Attributes, type Context, context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { toMailtideError } from '../errors.ts';
import type { SyncRun } from '../generated/prisma/client.ts';
import type { InStep } from '../sync/steps.ts';
import { contextOf } from './trace-parent.ts';

/**
 * Spans, as parts of the one that goes on (OpenTelemetry's API keeps that, and does nothing at all while nobody traces):
 *
 *   GraphQL mutation startEmailSync     in the process that was asked
 *   └ sync run                          each attempt, in the process that carries it out
 *     ├ sync connect
 *     ├ sync discover
 *     ├ sync enumerate                  of each mailbox
 *     ├ sync fetch                      of each mailbox
 *     │ ├ sync parse                    of each batch
 *     │ └ sync store
 *     └ sync finish, sync prove
 *
 * Their attributes are ids, numbers and codes: nothing that mail, mailboxes or logins say of people.
 */
const tracer = trace.getTracer('mailtide');

/** One attempt of a run, as a part of the call that asked for it. */
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
      // The code says it; messages may hold what a server said.
      span.setAttribute('error.type', toMailtideError(error).code).setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
