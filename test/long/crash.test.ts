import { diesAnywhere } from './dies-anywhere.ts';

diesAnywhere({ name: 'first', change: null });
