import { Group, Select, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { ImapSecurity } from '../../generated/gql/graphql.ts';

/** The server and login of an account in a form. All values are texts, so that they compare with what is typed. */
export interface ServerValues {
  host: string;
  port: string;
  security: ImapSecurity;
  username: string;
}

export const SECURITY: { value: ImapSecurity; label: string }[] = [
  { value: 'TLS', label: 'TLS' },
  { value: 'STARTTLS', label: 'STARTTLS' },
  { value: 'NONE', label: 'None (private hosts only)' },
];

/** The usual port of each security setting (RFC 8314, 3.2; RFC 9051, 2.1). */
const USUAL_PORT: Record<ImapSecurity, string> = { TLS: '993', STARTTLS: '143', NONE: '143' };

interface Props<Values extends ServerValues> {
  readonly form: UseFormReturnType<Values>;
  /** Called when the user changes a field. */
  readonly onEdit?: () => void;
}

export function ServerFields<Values extends ServerValues>({ form, onEdit }: Props<Values>) {
  const values: ServerValues = form.values;
  const set = (changed: Partial<ServerValues>) => {
    form.setValues(changed as Partial<Values>);
    onEdit?.();
  };
  return (
    <>
      <Group align="flex-start" grow preventGrowOverflow={false} wrap="wrap" gap="sm">
        <TextInput
          label="Port"
          type="number"
          required
          min={1}
          max={65_535}
          maw="7rem"
          value={values.port}
          onChange={(event) => set({ port: event.currentTarget.value })}
        />
        <Select
          label="Security"
          data={SECURITY}
          allowDeselect={false}
          value={values.security}
          onChange={(security) => {
            if (!security) return;
            const isUsual = values.port === USUAL_PORT[values.security];
            set({ security: security, ...(isUsual ? { port: USUAL_PORT[security] } : {}) });
          }}
        />
      </Group>
      <TextInput
        label="Username"
        placeholder="the email address"
        autoComplete="off"
        value={values.username}
        onChange={(event) => set({ username: event.currentTarget.value })}
      />
    </>
  );
}
