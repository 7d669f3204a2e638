import { Text } from '@mantine/core';

export default function MessagesView(props: { accountId: string; messageId?: string }) {
  return <Text>{JSON.stringify(props)}</Text>;
}
