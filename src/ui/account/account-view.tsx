import { Text } from '@mantine/core';

export default function AccountView(props: { accountId: string; part?: string }) {
  return <Text>{JSON.stringify(props)}</Text>;
}
