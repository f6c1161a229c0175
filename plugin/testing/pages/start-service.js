// Starts the real platform and service once for all page tests; its address and one token per role go to the tests.
const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');

module.exports = async () => {
  const service = spawn(process.execPath, [path.join(__dirname, 'service.mts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  globalThis.__SERVICE__ = service;
  process.env.PAGE_SERVICE = await new Promise((resolve, reject) => {
    readline.createInterface({ input: service.stdout }).once('line', resolve);
    service.once('exit', (code) => reject(new Error(`the service for the page tests did not start (exit ${code})`)));
  });
};
