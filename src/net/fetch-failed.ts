/**
 * Why a request got no answer. `URL_NOT_ALLOWED`: not https, with a user or password in it, or not a host name.
 * `ADDRESS_NOT_ALLOWED`: the host is on a private network or on this machine. `INVALID_ANSWER`: not HTTP, cut short, or
 * compressed.
 */
export type FetchFailure =
  | 'URL_NOT_ALLOWED'
  | 'HOST_NOT_FOUND'
  | 'NAME_LOOKUP_FAILED'
  | 'ADDRESS_NOT_ALLOWED'
  | 'UNREACHABLE'
  | 'TLS_FAILED'
  | 'CERTIFICATE_INVALID'
  | 'TOO_MANY_REDIRECTS'
  | 'INVALID_ANSWER'
  | 'ANSWER_TOO_LARGE'
  | 'TIMED_OUT';

/** A request without an answer. A TypeError like that of `fetch`, so that libraries pass it on unchanged. */
export class FetchFailed extends TypeError {
  readonly code: FetchFailure;

  constructor(code: FetchFailure, cause?: unknown) {
    super(`request failed: ${code}`, { cause });
    this.name = 'FetchFailed';
    this.code = code;
  }
}

/** Waits for one step of a request. @throws FetchFailed, with the code of the step unless the error has a better one */
export async function step<T>(code: FetchFailure, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof FetchFailed) throw error;
    throw new FetchFailed(codeOf(error) ?? code, error);
  }
}

function codeOf(error: unknown): FetchFailure | undefined {
  const code = String((error as NodeJS.ErrnoException | null)?.code);
  if (code === 'ENOTFOUND') return 'HOST_NOT_FOUND';
  if (code === 'EAI_AGAIN') return 'NAME_LOOKUP_FAILED';
  return isCertificateFault(code) ? 'CERTIFICATE_INVALID' : undefined;
}

/** Node names OpenSSL's verification results without their prefix X509_V_ERR_, and its own check of the name. */
const isCertificateFault = (code: string): boolean =>
  code === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
  code === 'HOSTNAME_MISMATCH' ||
  code === 'INVALID_CA' ||
  code === 'INVALID_PURPOSE' ||
  code === 'SELF_SIGNED_CERT_IN_CHAIN' ||
  code === 'DEPTH_ZERO_SELF_SIGNED_CERT' ||
  code.startsWith('CERT_') ||
  code.startsWith('UNABLE_TO_');
