// Who may import whom, read off `floors.json` of each package: what stands higher may import what stands lower, never the other way round.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const sources = { contract: 'contract/src', backend: 'backend/src', dataplane: 'dataplane/src', plugin: 'plugin/src' };
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A file, or what lies directly in a folder: a folder within it is a floor of its own. `…/**` is a folder with all within it. */
const standsOn = (root, floor) =>
  floor.endsWith('/**')
    ? `^${escaped(`${root}/${floor.slice(0, -2)}`)}`
    : `^${escaped(`${root}/${floor}`)}${/\.\w+$/.test(floor) ? '$' : '/[^/]+$'}`;

/** `features/*`, or `*`: every folder there that no floor names, each a room with all that is in it. */
function roomsOf(root, floor, floors) {
  if (!/(^|\/)\*$/.test(floor)) return [floor];
  const within = floor.slice(0, -1);
  const named = floors.flat().map((one) => one.split('/')[within.split('/').length - 1]);
  return readdirSync(new URL(`./${root}/${within}`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (within !== '' || !named.includes(entry.name)))
    .map(({ name }) => `${within}${name}/**`);
}

function rulesOf([name, root]) {
  const file = new URL(`./${name}/floors.json`, import.meta.url);
  if (!existsSync(file)) return [];
  const read = JSON.parse(readFileSync(file, 'utf8'));
  const floors = read.floors.map((floor) => [floor].flat().flatMap((one) => roomsOf(root, one, read.floors)));
  // What is not named has no door but its index.
  const rooms = floors.flat().filter((one) => one.endsWith('/**') && !one.startsWith('features/'));
  const doors = { ...Object.fromEntries(rooms.map((one) => [one.slice(0, -3), []])), ...read.doors };
  const on = floors.map((floor) => [floor].flat().map((one) => standsOn(root, one)));
  return [
    ...floors.slice(0, -1).map((floor, index) => ({
      name: `${name}: only downwards`,
      comment: `${[floor].flat().join(', ')} imports from a floor above it (${name}/floors.json)`,
      severity: 'error',
      from: { path: on[index] },
      to: { path: on.slice(index + 1).flat() },
    })),
    // Rooms of one floor know nothing of each other.
    ...floors
      .flatMap((floor, index) =>
        on[index].map((room) => ({
          name: `${name}: neighbours`,
          comment: `two rooms of one floor know each other (${name}/floors.json)`,
          severity: 'error',
          from: { path: room },
          to: { path: on[index].filter((other) => other !== room) },
        })),
      )
      .filter(({ to }) => to.path.length > 0),
    {
      name: `${name}: on a floor`,
      comment: `it stands on no floor: ${name}/floors.json lists every folder, lowest first`,
      severity: 'error',
      from: {},
      to: { path: `^${escaped(root)}/`, pathNot: on.flat() },
    },
    ...Object.entries(doors).map(([folder, open]) => ({
      name: `${name}: by the door`,
      comment: `${folder}/ is entered through its index.ts${open.map((one) => ` or ${one}`).join('')}`,
      severity: 'error',
      from: { path: `^${escaped(root)}/`, pathNot: `^${escaped(`${root}/${folder}`)}/` },
      to: {
        path: `^${escaped(`${root}/${folder}`)}/`,
        pathNot: ['index.ts', ...open].map((door) => `^${escaped(`${root}/${folder}/${door}`)}`),
      },
    })),
  ];
}

/** Each package, and whom it knows nothing of. */
const packages = [
  ['contract', 'backend', 'dataplane', 'plugin', 'launch', 'bench', 'e2e', 'workbench'],
  ['backend', 'dataplane', 'plugin', 'launch', 'bench', 'e2e', 'workbench'],
  ['dataplane', 'backend', 'plugin', 'launch', 'bench', 'e2e', 'workbench'],
  ['plugin/src', 'backend', 'dataplane', 'launch', 'bench', 'e2e', 'workbench'],
  ['workbench', 'backend', 'dataplane', 'plugin', 'launch', 'bench', 'e2e'],
];

export default {
  forbidden: [
    {
      name: 'no circle',
      comment: 'files that import each other cannot be read one after the other',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...packages.map(([one, ...not]) => ({
      name: 'packages',
      comment: 'the contract knows nobody; backend and data plane know it alone; what starts and tests them knows them',
      severity: 'error',
      from: { path: `^${one}/` },
      to: { path: not.map((other) => `^${other}/`) },
    })),
    ...Object.entries(sources).flatMap(rulesOf),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.(test|fixture|spec)\\.tsx?$|/testing/|^testing/|/dist/|/tests/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
      conditionNames: ['import', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
};
