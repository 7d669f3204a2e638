import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type DocumentNode, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { contextOf } from './trace-parent.ts';

const tracer = trace.getTracer('mailtide');

/**
 * Adds a span for each query and mutation, over every transport. Over HTTP, it is a child of the caller's span if the
 * caller sends a `traceparent`. Subscriptions get none, because they last as long as the client stays.
 */
export function useSpans(): Plugin {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = operationOf(args.document, args.operationName);
      const { request } = args.contextValue as { request?: Request };
      const parent = contextOf(request?.headers.get('traceparent'));
      const attributes = { 'graphql.operation.type': operation.type };
      setExecuteFn((given) =>
        tracer.startActiveSpan(
          `GraphQL ${operation.name}`,
          { kind: SpanKind.SERVER, attributes },
          parent,
          async (span) => {
            try {
              const result = (await executeFn(given)) as { errors?: readonly { extensions: { code?: string } }[] };
              const [error] = result.errors ?? [];
              if (error) {
                span.setAttribute('error.type', error.extensions.code ?? 'INTERNAL');
                span.setStatus({ code: SpanStatusCode.ERROR });
              }
              return result;
            } finally {
              span.end();
            }
          },
        ),
      );
    },
  };
}

/** Names the operation by its first field, which the schema defines. Names from callers could be anything. */
function operationOf(document: DocumentNode, operationName: string | null | undefined): { type: string; name: string } {
  const operation = getOperationAST(document, operationName);
  const type = operation?.operation ?? 'query';
  const field = operation?.selectionSet.selections.find((selection) => selection.kind === 'Field');
  return { type, name: field ? `${type} ${field.name.value}` : type };
}
