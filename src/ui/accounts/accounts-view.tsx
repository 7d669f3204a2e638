import { Text } from '@mantine/core';

export default function AccountsView() {
  return <Text>AccountsView</Text>;
}
