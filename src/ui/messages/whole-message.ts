import type { MessageQuery } from '../../generated/gql/graphql.ts';

/** A message with everything that its view shows. */
export type WholeMessage = NonNullable<MessageQuery['message']>;
