import type { CredentialsInput } from '../../generated/gql/graphql.ts';

/** Returns the typed secret as credentials. */
export const credentialsOf = (secret: string, isOAuth: boolean): CredentialsInput =>
  isOAuth ? { oauth2: { accessToken: secret } } : { password: secret };
