import { Text } from '@mantine/core';

export default function AddAccountView() {
  return <Text>AddAccountView</Text>;
}
