// Lets jest run TypeScript as Node does: types blanked out in place, so lines and columns stay true.
import { stripTypeScriptTypes } from 'node:module';

export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
