/** Line icons of 24 units in the text colour. They are decorative: the element beside them has the label. */
const PATHS = {
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  code: 'm8 8-4 4 4 4M16 8l4 4-4 4M13.5 5l-3 14',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20a7.5 7.5 0 0 1 15 0',
  chevron: 'm7 10 5 5 5-5',
  plus: 'M12 5v14M5 12h14',
  sync: 'M20 11a8 8 0 0 0-14.3-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14.3 4L20 15M20 20v-5h-5',
  stop: 'M7 7h10v10H7z',
  dots: 'M12 5.5v.01M12 12v.01M12 18.5v.01',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  mail: 'M3.5 6h17v12h-17zM3.5 7l8.5 6 8.5-6',
  pause: 'M9 6v12M15 6v12',
  play: 'M8 5.5v13l10-6.5z',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  gear: 'M4 7h9M17 7h3M15 4.8v4.4M4 12h2M10 12h10M8 9.8v4.4M4 17h9M17 17h3M15 14.8v4.4',
  key: 'M14.5 14a4.5 4.5 0 1 0-4.2-2.8L4 17.5V20h3v-2h2v-2h2l1.3-1.3c.6.2 1.4.3 2.2.3zM15.5 8.5v.01',
  search: 'M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M16 16l4 4',
  back: 'm14 6-6 6 6 6',
  clip: 'm19 11.5-7.3 7.3a4.5 4.5 0 0 1-6.4-6.4l7.6-7.6a3 3 0 0 1 4.3 4.3l-7.5 7.4a1.5 1.5 0 0 1-2.1-2.1l6.8-6.8',
  flag: 'M6 21V4.5M6 5h11.5l-2.5 4 2.5 4H6',
  image: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9v.01',
  download: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M5 19.5h14',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
