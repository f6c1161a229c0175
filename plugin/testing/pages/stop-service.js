module.exports = async () => {
  const service = globalThis.__SERVICE__;
  const gone = new Promise((resolve) => service.once('exit', resolve));
  // The end of its input tells it to stop, also when this process is killed.
  service.stdin.end();
  await gone;
};
