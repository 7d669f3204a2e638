import type { CredentialsInput } from '../../generated/gql/graphql.ts';

/** What was typed where the secret goes. */
export const credentialsOf = (secret: string, isOAuth: boolean): CredentialsInput =>
  isOAuth ? { oauth2: { accessToken: secret } } : { password: secret };
