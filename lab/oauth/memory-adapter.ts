import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

/** Returns storage for one oidc-provider. Its own forgets all but the last 1,000 artifacts. */
export function memoryAdapter(): AdapterFactory {
  const kinds = new Map<string, Map<string, AdapterPayload>>();
  return (kind): Adapter => {
    const stored = kinds.get(kind) ?? new Map<string, AdapterPayload>();
    kinds.set(kind, stored);
    const findBy = async (field: 'uid' | 'userCode', value: string) =>
      [...stored.values()].find((payload) => payload[field] === value);
    return {
      async upsert(id, payload) {
        stored.set(id, payload);
      },
      find: async (id) => stored.get(id),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      async consume(id) {
        const payload = stored.get(id);
        if (payload) payload['consumed'] = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        stored.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, payload] of stored) if (payload.grantId === grantId) stored.delete(id);
      },
    };
  };
}
