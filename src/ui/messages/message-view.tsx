import { Text } from '@mantine/core';

export default function MessageView(props: { messageId: string }) {
  return <Text>{JSON.stringify(props)}</Text>;
}
