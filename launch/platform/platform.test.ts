import { expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../testing/processes.ts';
import { movedSince, shardPlaces, writePlatformFile } from './platform.ts';
import { portsFrom } from '../machine/ports.ts';

it('a platform that was made on other ports is named, shard by shard, with what puts it right', () => {
  const folder = temporaryFolder('platform');
  try {
    const file = join(folder, 'platform.json');
    const places = shardPlaces(portsFrom({}));
    expect(movedSince(file, places)).toEqual([]);
    writePlatformFile(file, shardPlaces(portsFrom({ PORT_A1: '8201' })));
    expect(movedSince(file, places)).toEqual(['a1 is recorded at http://127.0.0.1:8201: set PORT_A1 to 8201']);
    writePlatformFile(file, places);
    expect(movedSince(file, places)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
