import type { EmailAccountQuery } from '../../generated/gql/graphql.ts';

/** An account as its views receive it. */
export type Account = NonNullable<EmailAccountQuery['emailAccount']>;
