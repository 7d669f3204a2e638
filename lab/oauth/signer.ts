import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export type Algorithm = 'RS256' | 'ES256';

/** A provider's key, and its clock. */
export interface Signer {
  readonly algorithm: Algorithm;
  readonly keyId: string;
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly publicPem: string;
  /** In seconds since 1970. */
  now(): number;
  sign(claims: JWTPayload, lifetimeS: number): Promise<string>;
}

/** @param offsetS how far the provider's clock is ahead, in seconds */
export async function createSigner(algorithm: Algorithm, offsetS: () => number): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const keyId = 'lab-1';
  const now = () => Math.floor(Date.now() / 1000) + offsetS();
  return {
    algorithm,
    keyId,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: algorithm, use: 'sig', kid: keyId }] },
    publicPem: await exportSPKI(publicKey),
    now,
    sign: (claims, lifetimeS) =>
      new SignJWT({ iat: now(), exp: now() + lifetimeS, ...claims })
        // Dovecot 2.3 accepts no other `typ`, not even the `at+jwt` of RFC 9068.
        .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'JWT' })
        .sign(privateKey),
  };
}
