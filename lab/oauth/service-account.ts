import { exportPKCS8, generateKeyPair } from 'jose';
import type { Delegation } from './token-endpoint.ts';

/** The fields that matter of the key file that Google lets an administrator download. */
export interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly client_id: string;
  readonly private_key_id: string;
  /** PKCS #8, PEM. */
  readonly private_key: string;
  readonly token_uri: string;
}

export async function createServiceAccount(
  issuer: string,
  delegated: { scopes: string[]; mailboxes: string[] },
): Promise<{ key: ServiceAccountKey; delegation: Delegation }> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key: ServiceAccountKey = {
    type: 'service_account',
    client_email: 'robot@project.iam.example.com',
    client_id: '100000000000000000001',
    private_key_id: 'robot-key',
    private_key: await exportPKCS8(privateKey),
    token_uri: `${issuer}/token`,
  };
  return { key, delegation: { publicKey, ...delegated } };
}
