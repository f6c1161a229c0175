// The types of lock.mjs, which stays JavaScript because the bootstrap runs it on Nodes that cannot strip types.
export declare function alive(pid: number): boolean;
export declare function withLock<T>(
  file: string,
  onWait: (pid: number | undefined) => void,
  work: () => T | Promise<T>,
): Promise<T>;
